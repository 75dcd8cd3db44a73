"""The example target as it is by default, with its guard: the load inserts its rows, and none of them is stored.

The guard admits the networks of the cluster and, from anywhere, a token. The token comes from a Secret, in the
Authorization header or, where the service has one of its own, in a header beside it.
"""

import json
import os
import subprocess
import sys
import time

import jwt
import pytest

from localcluster.installation import TARGET_MANIFEST
from localcluster.rest import Json
from support.loadtests import Namespace, Test, ask, condition, message, reason, reasons, store_one_row

KEY = "a secret key of the tests that has more than fifty characters in it"
JWT_KEY = "a key that only the target and the issuer of its tokens know"
GUARD = {"LOAD_TEST_GUARD": "rollback", "SECRET_KEY": KEY}
READ_BACK = "/load-test/clients.Client/count/"
OWN_TOKEN = {"secretKeyRef": {"name": "own-token"}}


def header_from(secret: str) -> list[Json]:
    return [{"name": "Load-Test-Token", "secretKeyRef": {"name": secret}}]


@pytest.fixture(scope="module")
def tests(namespace: Namespace) -> dict[str, Test]:
    """All tests at once, each with a target of its own."""
    namespace.deploy("by-network", **GUARD)
    namespace.deploy("by-token", **GUARD, LOAD_TEST_NETWORKS="")
    namespace.deploy("by-header", **GUARD, JWT_SECRET=JWT_KEY)
    secrets = {
        "guard-token": guard_token(),
        "wrong-token": f"{guard_token()}x",
        "own-token": jwt.encode({"exp": int(time.time()) + 3_600}, JWT_KEY, algorithm="HS256"),
    }
    for name, text in secrets.items():
        document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"token": text}}
        namespace.rest.apply(document, namespace.name)
    namespace.until_available("by-network", "by-token", "by-header")
    for name in ("by-network", "by-token"):
        store_one_row(namespace, name)
    in_scheme = {"scheme": "LoadTest", "secretKeyRef": {"name": "guard-token"}}
    return {
        "by-network": start(namespace, "by-network", "by-network"),
        "by-token": start(namespace, "by-token", "by-token", auth=in_scheme),
        "no-token": start(namespace, "no-token", "by-token"),
        "by-header": start(namespace, "by-header", "by-header", auth=OWN_TOKEN, headersFrom=header_from("guard-token")),
        "wrong-header": start(
            namespace, "wrong-header", "by-header", auth=OWN_TOKEN, headersFrom=header_from("wrong-token")
        ),
    }


def guard_token() -> str:
    """A token as a person makes it, by the command of the project."""
    command = [sys.executable, "manage.py", "loadtest_token", "--hours", "1"]
    environment = {**os.environ, "SECRET_KEY": KEY}
    process = subprocess.run(
        command, check=True, cwd=TARGET_MANIFEST.parent, env=environment, capture_output=True, text=True
    )
    return process.stdout.strip()


def start(namespace: Namespace, name: str, target: str, **fields: object) -> Test:
    url = f"http://{target}:8000/clients/upload/process/"
    read_back = {"url": f"http://{target}:8000{READ_BACK}", "countPath": "count", "settle": "1s", "timeout": "20s"}
    proof = {} if target == "by-header" else {"verification": {"require": "Proven", "readBack": read_back}}
    return namespace.start(
        name,
        target={"url": url, "timeout": "60s", **fields},
        load={"batchSize": 200, "virtualUsers": 2, "duration": "5s"},
        parallelism=1,
        concurrency="Allow",
        **proof,
    )


@pytest.fixture(scope="module")
def ended(tests: dict[str, Test]) -> dict[str, Json]:
    return {name: test.until_completed(180) for name, test in tests.items()}


@pytest.mark.parametrize(
    ("name", "level", "rows"), [("by-network", "Proven", 1), ("by-token", "Proven", 1), ("by-header", "Echoed", 0)]
)
def test_what_the_guard_admits_is_inserted_and_rolled_back(
    namespace: Namespace, ended: dict[str, Json], name: str, level: str, rows: int
) -> None:
    status = ended[name]

    assert status["verdict"] == "Passed", reasons(status)
    assert status["verification"]["level"] == level
    assert status["summary"]["requests"]["accepted"] == status["summary"]["requests"]["sent"] > 0
    assert sum(namespace.ledger(name)) > 200
    # The target of own tokens is asked at the guard's address: the network of this machine is allowed there.
    path = READ_BACK if name == "by-header" else "/clients/count/"
    code, body = ask(namespace, name, "GET", path)
    assert (code, json.loads(body)) == (200, {"count": rows})


@pytest.mark.parametrize(("name", "words"), [("no-token", "needs a token"), ("wrong-header", "the token is not valid")])
def test_what_the_guard_does_not_admit_is_refused_before_any_row(
    namespace: Namespace, ended: dict[str, Json], name: str, words: str
) -> None:
    status = ended[name]

    assert (status["verdict"], condition(status, "Verified")) == ("Failed", "False")
    assert words in message(status, "Verified")
    assert status["summary"]["requests"]["due"] == 0


def test_a_header_of_a_wrong_token_is_told_as_one(ended: dict[str, Json]) -> None:
    assert reason(ended["wrong-header"], "Verified") == "Forbidden"
    assert "headersFrom" in message(ended["wrong-header"], "Verified")
