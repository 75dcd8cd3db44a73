"""A target that wants a token: it comes from a Secret, reaches the target, and is told nobody else."""

import json
import time

import jwt
import pytest

from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest
from support.loadtests import Namespace, reason

KEY = "a key that only the target and the issuer of its tokens know"
PASSWORD = "a password that nobody else is told"
URL = "http://clients:8000/clients/upload/process/"


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace) -> None:
    namespace.deploy(JWT_SECRET=KEY, LOGIN_USERNAME="robot", LOGIN_PASSWORD=PASSWORD, TOKEN_SECONDS="4")
    namespace.until_available("clients")


def token(left_seconds: int) -> str:
    return jwt.encode({"sub": "loadtest", "exp": int(time.time()) + left_seconds}, KEY, algorithm="HS256")


def secret(namespace: Namespace, name: str, **texts: str) -> None:
    namespace.rest.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts}, namespace.name
    )


def run(namespace: Namespace, name: str) -> Json:
    return completed(namespace, name, {"secretKeyRef": {"name": name, "key": "token"}}, debug=True)


def log_in_and_run(namespace: Namespace, name: str) -> Json:
    login = {"url": "http://clients:8000/api/token/", "secretRef": {"name": name, "passwordKey": "word"}}
    return completed(namespace, name, {"login": {**login, "expiresInPath": "expires_in"}})


def completed(namespace: Namespace, name: str, auth: Json, *, debug: bool = False) -> Json:
    return namespace.start(name, target={"url": URL, "timeout": "20s", "auth": auth}, debug=debug).until_completed()


def told(namespace: Namespace, rest: Rest) -> str:
    """All that the cluster says of the tests in a namespace, and every log."""
    kinds = ("configmaps", "events", "pods")
    seen = [json.dumps(rest.call("GET", f"/api/v1/namespaces/{namespace.name}/{kind}")) for kind in kinds]
    seen.append(json.dumps(rest.call("GET", f"/apis/x-load-test.dev/v1alpha1/namespaces/{namespace.name}/loadtests")))
    seen.append(json.dumps(rest.call("GET", f"/apis/batch/v1/namespaces/{namespace.name}/jobs")))
    logs = namespace.cluster.all_logs()
    assert any(OPERATOR_NAMESPACE in name for name in logs)
    return "\n".join([*seen, *logs.values()])


def test_a_token_from_a_secret_reaches_the_target_and_stays_out_of_everything_else(
    namespace: Namespace, rest: Rest
) -> None:
    planted = token(3_600)
    secret(namespace, "valid", token=planted)

    status = run(namespace, "valid")

    assert status["verification"]["level"] == "Echoed"
    assert status["summary"]["requests"]["accepted"] > 0
    assert sum(namespace.ledger()) > 0
    said = told(namespace, rest)
    assert planted not in said
    # The pods of this test log each of their uploads.
    assert '"event": "upload"' in said


def test_pods_that_log_in_outlive_their_tokens_and_tell_no_password(namespace: Namespace, rest: Rest) -> None:
    secret(namespace, "robot", username="robot", word=PASSWORD)

    status = log_in_and_run(namespace, "robot")

    assert status["verification"]["level"] == "Echoed"
    assert status["summary"]["requests"]["accepted"] == status["summary"]["requests"]["sent"] > 0
    # The target's own pod has it in its environment; nobody else does.
    assert PASSWORD not in told(namespace, rest).replace(f'"name": "LOGIN_PASSWORD", "value": "{PASSWORD}"', "")


def test_a_login_that_fails_is_refused_as_a_failed_authentication(namespace: Namespace) -> None:
    secret(namespace, "wrong", username="robot", word="guess")

    status = log_in_and_run(namespace, "wrong")

    assert (status["verdict"], reason(status, "Verified")) == ("Failed", "AuthenticationFailed")
    assert "the login at http://clients:8000/api/token/ was answered 401" in status["message"]
    assert status["summary"]["requests"]["due"] == 0


def test_a_token_that_may_end_before_the_load_begins_is_refused_beforehand(namespace: Namespace) -> None:
    # The load is short, but its pods may wait for each other for longer.
    secret(namespace, "short", token=token(45))

    status = run(namespace, "short")

    assert (status["verdict"], reason(status, "Verified")) == ("Failed", "TokenExpiresTooSoon")
    assert status["summary"]["requests"]["due"] == 0


def test_a_token_of_another_issuer_is_refused_as_a_failed_authentication(namespace: Namespace) -> None:
    claims = {"sub": "loadtest", "exp": int(time.time()) + 3_600}
    foreign = jwt.encode(claims, "the key of somebody else, long enough to sign", algorithm="HS256")
    secret(namespace, "foreign", token=foreign)

    status = run(namespace, "foreign")

    assert (status["verdict"], reason(status, "Verified")) == ("Failed", "AuthenticationFailed")
