"""Exported tests against a name with several addresses, run by the tools they are written for.

The tools run in a mount namespace with a hosts file of its own, so that a name has the addresses that the test says.
"""

import asyncio
import os
import re
import shlex
import subprocess
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from http_target import PATH, Answerer, HttpTarget, answerer_from_rows, honouring_answer, running_target, storing_answer
from loadgen.exporting.artillery import artillery_test
from loadgen.exporting.k6 import k6_script
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec
from peers import SILENT, PeerMissingError, artillery, k6

NAME = "several.example.test"
FIRST, SECOND = "127.0.0.1", "127.0.0.2"
ROWS = 50

Command = Callable[[Plan, Path], list[str]]


def k6_command(plan: Plan, folder: Path) -> list[str]:
    (folder / "test.js").write_text(k6_script(plan), "utf-8")
    return [str(k6()), "run", "--no-usage-report", "test.js"]


def artillery_command(plan: Plan, folder: Path) -> list[str]:
    test = artillery_test(plan, "processor.cjs")
    (folder / "test.yml").write_text(test.configuration, "utf-8")
    (folder / "processor.cjs").write_text(test.processor, "utf-8")
    return [*artillery(), "run", "test.yml"]


each_tool = pytest.mark.parametrize("command", [k6_command, artillery_command], ids=["k6", "artillery"])


@pytest.fixture(autouse=True)
def tools() -> None:
    """Skip, saying why, where a tool or a namespace cannot be had."""
    try:
        k6(), artillery()
    except PeerMissingError as missing:
        pytest.skip(str(missing))
    if subprocess.run([*_namespace(), "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespace can be made here")


def _namespace() -> list[str]:
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


async def run(command: Sequence[str], folder: Path, addresses: Sequence[str]) -> tuple[int, str]:
    """Run a tool where `NAME` has these addresses; gives its exit code and what it wrote."""
    hosts = folder / "hosts"
    hosts.write_text("".join(f"{address} {NAME}\n" for address in addresses))
    inside = f"mount --bind {shlex.quote(str(hosts))} /etc/hosts && exec {shlex.join(command)}"
    process = await asyncio.create_subprocess_exec(
        *_namespace(),
        "sh",
        "-c",
        inside,
        cwd=folder,
        env={**os.environ, **SILENT},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(120):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, output.decode()


def plan_for(port: int) -> Plan:
    document = {
        "target": {"url": f"http://{NAME}:{port}{PATH}"},
        "scenario": "custom",
        "load": {"batchSize": ROWS, "virtualUsers": 4, "records": 20 * ROWS},
    }
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="tests", name="exported", uid="1"))


@asynccontextmanager
async def both(second: Answerer = honouring_answer) -> AsyncIterator[tuple[HttpTarget, HttpTarget]]:
    """Targets at both addresses, on one port."""
    async with (
        running_target(host=FIRST) as first_target,
        running_target(second, host=SECOND, port=first_target.port) as second_target,
    ):
        yield first_target, second_target


def rows(target: HttpTarget) -> list[int]:
    return [received.rows for received in target.uploads]


@each_tool
async def test_every_address_of_a_name_is_verified_and_loaded(command: Command, tmp_path: Path) -> None:
    async with both() as targets:
        plan = plan_for(targets[0].port)

        exit_code, output = await run(command(plan, tmp_path), tmp_path, [FIRST, SECOND])

        assert exit_code == 0, output
        verified_addresses = re.search(r"verified: ([0-9.]+), ([0-9.]+)", output)
        assert verified_addresses, output
        assert set(verified_addresses.groups()) == {FIRST, SECOND}
        for target in targets:
            small = [count for count in rows(target) if count < ROWS]
            assert small == sorted(small)
            assert {0, 1, 5} == set(small)
            assert ROWS in rows(target)
        assert sum(rows(target).count(ROWS) for target in targets) == 21
        assert {received.headers["Host"] for target in targets for received in target.uploads} == {
            f"{NAME}:{targets[0].port}"
        }


@each_tool
async def test_an_address_that_ignores_the_header_costs_a_canary_and_no_load(command: Command, tmp_path: Path) -> None:
    async with both(answerer_from_rows(1, storing_answer)) as (sound, other):
        exit_code, output = await run(command(plan_for(sound.port), tmp_path), tmp_path, [FIRST, SECOND])

        assert exit_code != 0
        assert f"refused: canary at {SECOND}" in output
        assert sum(rows(other)) == 1
        assert ROWS not in rows(sound)


async def test_artillery_leaves_out_an_address_that_nobody_listens_on(tmp_path: Path) -> None:
    async with running_target(host=FIRST) as target:
        command = artillery_command(plan_for(target.port), tmp_path)

        exit_code, output = await run(command, tmp_path, [SECOND, FIRST])

        assert exit_code == 0, output
        assert f"verified: {FIRST}\n" in output
        assert rows(target).count(ROWS) == 21


async def test_k6_refuses_a_name_with_an_address_that_nobody_listens_on(tmp_path: Path) -> None:
    async with running_target(host=FIRST) as target:
        command = k6_command(plan_for(target.port), tmp_path)

        exit_code, output = await run(command, tmp_path, [SECOND, FIRST])

        assert exit_code == 108, output
        assert "no connection" in output
        assert ROWS not in rows(target)


async def test_k6_is_not_begun_where_a_proxy_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with running_target(host=FIRST) as target:
        command = k6_command(plan_for(target.port), tmp_path)

        exit_code, output = await run(command, tmp_path, [FIRST])

        assert exit_code == 107, output
        assert "HTTP_PROXY is set" in output
        assert not target.uploads
