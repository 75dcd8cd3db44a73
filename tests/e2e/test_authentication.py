"""A target that wants a token: it comes from a Secret, reaches the target, and is told nobody else."""

import json
import time

import jwt
import pytest

from loadtests import Namespace, reason
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest

KEY = "a key that only the target and the issuer of its tokens know"
URL = "http://clients:8000/clients/upload/process/"


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy(JWT_SECRET=KEY)
    namespace.available("clients")


def token(left_seconds: int) -> str:
    return jwt.encode({"sub": "loadtest", "exp": int(time.time()) + left_seconds}, KEY, algorithm="HS256")


def secret(namespace: Namespace, name: str, text: str) -> None:
    namespace.rest.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"token": text}},
        namespace.name,
    )


def run(namespace: Namespace, name: str) -> Json:
    auth = {"secretKeyRef": {"name": name, "key": "token"}}
    test = namespace.start(name, target={"url": URL, "timeout": "20s", "auth": auth})
    return test.completed()


def test_a_token_from_a_secret_reaches_the_target_and_stays_out_of_everything_else(
    namespace: Namespace, rest: Rest
) -> None:
    planted = token(3_600)
    secret(namespace, "valid", planted)

    status = run(namespace, "valid")

    assert status["verification"]["level"] == "Echoed"
    assert status["summary"]["requests"]["accepted"] > 0
    assert sum(namespace.ledger()) > 0
    kinds = ("configmaps", "events", "pods")
    seen = [json.dumps(rest.call("GET", f"/api/v1/namespaces/{namespace.name}/{kind}")) for kind in kinds]
    seen.append(json.dumps(rest.call("GET", f"/apis/x-load-test.dev/v1alpha1/namespaces/{namespace.name}/loadtests")))
    seen.append(json.dumps(rest.call("GET", f"/apis/batch/v1/namespaces/{namespace.name}/jobs")))
    logs = [path.read_text(errors="replace") for path in (namespace.cluster.run_dir / "logs").iterdir()]
    assert any(OPERATOR_NAMESPACE in path.name for path in (namespace.cluster.run_dir / "logs").iterdir())
    assert not any(planted in text for text in (*seen, *logs))


def test_a_token_that_ends_before_the_load_is_refused_beforehand(namespace: Namespace) -> None:
    secret(namespace, "short", token(3))

    status = run(namespace, "short")

    assert (status["verdict"], reason(status, "Verified")) == ("Failed", "TokenExpiresTooSoon")
    assert status["summary"]["requests"]["due"] == 0


def test_a_token_of_another_issuer_is_refused_as_a_failed_authentication(namespace: Namespace) -> None:
    claims = {"sub": "loadtest", "exp": int(time.time()) + 3_600}
    secret(namespace, "foreign", jwt.encode(claims, "the key of somebody else, long enough to sign", algorithm="HS256"))

    status = run(namespace, "foreign")

    assert (status["verdict"], reason(status, "Verified")) == ("Failed", "AuthenticationFailed")
