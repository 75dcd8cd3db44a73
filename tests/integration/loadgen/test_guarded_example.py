"""The example target with the guard for Django: loaded on its real write path, and proven by the guard's read-back."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest

from client_files import clients, csv_file
from example_server import EXAMPLE, UPLOAD_PATH, ExampleServer, example_server

KEY = "a secret key of the tests that has more than fifty characters in it"
JWT_KEY = "a key that only the target and the issuer of its tokens know"
READ_BACK = "/load-test/clients.Client/count/"


@pytest.fixture(scope="module")
def guarded_example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    environment = {"LOAD_TEST_GUARD": "rollback", "LOAD_TEST_NETWORKS": "", "SECRET_KEY": KEY}
    with example_server(tmp_path_factory.mktemp("guarded"), environment) as server:
        yield server


@pytest.fixture(scope="module")
def token() -> str:
    command = [sys.executable, "manage.py", "loadtest_token", "--hours", "1"]
    environment = {**os.environ, "SECRET_KEY": KEY}
    process = subprocess.run(command, check=True, cwd=EXAMPLE, env=environment, capture_output=True, text=True)
    return process.stdout.strip()


def test_the_header_alone_is_refused_and_stores_nothing(guarded_example: ExampleServer) -> None:
    before = guarded_example.count()

    answer = guarded_example.upload(csv_file(clients(3)), load_test=True)

    assert (answer.status, answer.json["code"]) == (403, "load_test_refused")
    assert guarded_example.count() == before


def test_an_upload_with_a_token_is_inserted_and_rolled_back(guarded_example: ExampleServer, token: str) -> None:
    before = guarded_example.count()

    answer = guarded_example.upload(
        csv_file(clients(1200)), load_test=True, headers={"Authorization": f"LoadTest {token}"}
    )

    assert (answer.status, answer.json["load_test_mode"], answer.json["processed_count"]) == (200, True, 1200)
    assert answer.json["load_test"]["writes_prevented"] == 1200
    assert guarded_example.count() == before


def test_a_large_upload_without_a_token_hears_the_refusal(guarded_example: ExampleServer) -> None:
    """The body is read to its end, or the client would see a reset connection instead."""
    answer = guarded_example.upload(csv_file(clients(20_000)), load_test=True)

    assert answer.status == 403


def test_a_run_is_proven_by_the_read_back_of_the_guard(
    guarded_example: ExampleServer, token: str, tmp_path: Path
) -> None:
    guarded_example.upload(csv_file(clients(1)))
    before = guarded_example.count()
    base = f"http://127.0.0.1:{guarded_example.port}"
    command = [
        *(str(Path(sys.executable).with_name("loadgen")), "run", "custom", "--url", f"{base}{UPLOAD_PATH}"),
        *("--auth-scheme", "LoadTest", "--batch-size", "200", "--virtual-users", "2", "--duration", "3s"),
        *("--require", "proven", "--read-back", f"{base}{READ_BACK}", "--read-back-count", "count"),
        *("--threshold", "error_rate < 1%"),
    ]

    process = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "AUTH_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert process.returncode == 0, process.stdout + process.stderr
    assert "Proven" in process.stdout
    assert token not in process.stdout + process.stderr
    assert guarded_example.count() == before
    (summary_file,) = tmp_path.rglob("*summary*.json")
    (step,) = json.loads(summary_file.read_text())["steps"]
    parts = step["parts_seconds"]
    assert parts["database"]["uploads"] == step["requests"]["accepted"]
    assert 0 < parts["database"]["avg"] < parts["wait"]["avg"]
    assert re.search(r"(?m)^ +database +[0-9]", process.stdout)


@pytest.fixture(scope="module")
def own_authorization(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    """A service with an Authorization of its own, beside the guard, and with one row."""
    environment = {"LOAD_TEST_GUARD": "rollback", "LOAD_TEST_NETWORKS": "", "SECRET_KEY": KEY, "JWT_SECRET": JWT_KEY}
    with example_server(tmp_path_factory.mktemp("own"), environment) as server:
        assert server.upload(csv_file(clients(1)), headers={"Authorization": f"Bearer {own_token()}"}).status == 200
        yield server


def own_token() -> str:
    return jwt.encode({"exp": time.time() + 600}, JWT_KEY, "HS256")


def rows_of(server: ExampleServer) -> int:
    return server.count(headers={"Authorization": f"Bearer {own_token()}"})


def test_a_service_with_an_authorization_of_its_own_is_proven_with_both_tokens(
    own_authorization: ExampleServer, token: str, tmp_path: Path
) -> None:
    base = f"http://127.0.0.1:{own_authorization.port}"
    command = [
        *(str(Path(sys.executable).with_name("loadgen")), "run", "custom", "--url", f"{base}{UPLOAD_PATH}"),
        *("--header-env", "Load-Test-Token: GUARD", "--batch-size", "200", "--records", "1000"),
        *("--require", "proven", "--read-back", f"{base}{READ_BACK}", "--read-back-count", "count"),
        *("--threshold", "error_rate < 1%", "--debug"),
    ]
    variables = {**os.environ, "AUTH_TOKEN": own_token(), "GUARD": token}

    process = subprocess.run(
        command, check=False, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120
    )

    assert process.returncode == 0, process.stdout + process.stderr
    assert re.search(r"Verdict +Passed\nProof +Proven", process.stdout)
    assert token not in process.stdout + process.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file() and token.encode() in path.read_bytes()] == []
    assert rows_of(own_authorization) == 1


@pytest.mark.parametrize(("option", "status"), [(["--own-authorization"], 0), ([], 3)])
def test_the_command_of_the_project_verifies_such_a_service_where_it_is_told_so(
    own_authorization: ExampleServer, option: list[str], status: int
) -> None:
    url = f"http://127.0.0.1:{own_authorization.port}{UPLOAD_PATH}"
    database = {"SQLITE_PATH": str(own_authorization.database_path)}
    variables = {**os.environ, **database, "SECRET_KEY": KEY, "AUTH_TOKEN": own_token()}

    process = subprocess.run(
        [sys.executable, "manage.py", "loadtest_verify", url, *option],
        check=False,
        cwd=EXAMPLE,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert process.returncode == status, process.stdout + process.stderr
    assert ("Proven" in process.stdout) is (status == 0)
    assert rows_of(own_authorization) == 1
