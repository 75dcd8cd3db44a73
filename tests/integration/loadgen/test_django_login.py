"""A pod against the Django example behind a log-in: tokens that live for seconds, and a load that outlives several."""

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from example_server import Answer, ExampleServer, example_server
from loadtest_model.plan import Plan, SecretPlace, SecretPlaces
from loadtest_model.protocol.exits import PodExit
from support.loadgen_plans import make_plan
from support.loadgen_pods import pod_process, start_fleet

PASSWORD = "a password that must be seen nowhere"
ENVIRONMENT = {
    "JWT_SECRET": "a secret of at least thirty-two bytes",
    "LOGIN_USERNAME": "robot",
    "LOGIN_PASSWORD": PASSWORD,
    "TOKEN_SECONDS": "3",
}


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    with example_server(tmp_path_factory.mktemp("target"), ENVIRONMENT) as server:
        yield server


def ask(target: ExampleServer, body: bytes, content_type: str) -> Answer:
    return target.request("POST", "/api/token/", body, {"Content-Type": content_type})


def test_the_example_gives_a_token_for_name_and_password(target: ExampleServer) -> None:
    fields = {"username": "robot", "password": PASSWORD}

    as_json = ask(target, json.dumps(fields).encode(), "application/json")
    as_form = ask(target, urlencode(fields).encode(), "application/x-www-form-urlencoded")

    for answer in (as_json, as_form):
        assert answer.status == 200
        assert answer.json["expires_in"] == 3
        claims = json.loads(base64.urlsafe_b64decode(answer.json["access"].split(".")[1] + "=="))
        assert claims["exp"] == pytest.approx(time.time() + 3, abs=2)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"nothing",
        b'{"username": "robot"}',
        b'{"username": "robot", "password": "x"}',
        b'{"username": "robot", "password": 7}',
    ],
)
def test_the_example_gives_nobody_else_a_token(target: ExampleServer, body: bytes) -> None:
    assert ask(target, body, "application/json").status == 401


def test_an_example_without_a_password_has_no_log_in(tmp_path: Path) -> None:
    with example_server(tmp_path, {"JWT_SECRET": ENVIRONMENT["JWT_SECRET"]}) as server:
        assert ask(server, b'{"username": "loadtest", "password": ""}', "application/json").status == 404


def plan_for(target: ExampleServer, folder: Path) -> Plan:
    (folder / "username").write_text("robot\n")
    (folder / "password").write_text(PASSWORD + "\n")
    login = {"url": f"http://127.0.0.1:{target.port}/api/token/", "secretRef": {"name": "robot"}}
    return make_plan(
        f"http://127.0.0.1:{target.port}/clients/upload/process/",
        batch_size=20,
        virtual_users=2,
        duration_seconds=8.0,
        target={"auth": {"login": login}},
        places=SecretPlaces(
            username=SecretPlace(file=str(folder / "username")), password=SecretPlace(file=str(folder / "password"))
        ),
    )


async def test_a_load_outlives_its_tokens_without_one_401_and_tells_no_secret(
    target: ExampleServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with pod_process(plan_for(target, tmp_path), tmp_path) as pod:
        await start_fleet((pod,))
        final = await pod.until_final()
        await pod.ack(final.sequence)

        assert await pod.until_exited() == PodExit.DONE
        (step,) = final.steps
        assert step.errors == {}
        assert step.total.accepted == step.total.sent > 0
        said = capfd.readouterr()
        seen = said.out + said.err + repr(final) + pod.termination_file.read_text()
        assert '"event": "ended"' in seen
        assert PASSWORD not in seen
        assert "eyJ" not in seen
        assert await asyncio.to_thread(lambda: "status=401" not in target.log_path.read_text())
