"""The gate for those who have no cluster, before a service that says what it runs: no verdict is about another version.

A release differs from another by its answer to /version and by how long an upload takes.
"""

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from http_target import Answer, HttpTarget, ReceivedUpload, honouring_answer, running_target, storing_answer
from serving import serving

EXAMPLES = Path(__file__).parents[2] / "examples" / "pipeline"
GATE = EXAMPLES / "gate_without_cluster.py"
GOOD, BAD = "v1.4.0", "v1.5.0"
# The bad one takes longer than the bound of the thresholds.
SECONDS = {GOOD: 0.02, BAD: 1.2}
LOAD = ("custom", "--batch-size", "20", "--virtual-users", "2", "--duration", "4s")
THRESHOLDS = ("--threshold", "p95 < 1s")


@dataclass
class Service:
    """A service with uploads and a version, which may change at any time."""

    target: HttpTarget
    version: str
    version_url: str = ""

    async def answer(self, received: ReceivedUpload) -> web.StreamResponse:
        await asyncio.sleep(SECONDS[self.version.removesuffix("-rc1")])
        answer = honouring_answer(received)
        assert isinstance(answer, web.StreamResponse)
        return answer

    async def tell(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": self.version, "host": "one"})


@asynccontextmanager
async def running_service(version: str) -> AsyncIterator[Service]:
    async with running_target() as target:
        service = Service(target, version)

        def answer(received: ReceivedUpload) -> Answer:
            return service.answer(received)

        target.answer = answer
        application = web.Application()
        application.router.add_get("/version", service.tell)
        async with serving(application) as port:
            service.version_url = f"http://127.0.0.1:{port}/version"
            yield service


def started_gate(
    folder: Path, service: Service, *options: str, version: str = GOOD, new_group: bool = False
) -> "subprocess.Popen[str]":
    """The gate as a step of a pipeline, or with `new_group` as a job of a terminal."""
    searched = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    asked = ("--version-url", service.version_url, "--version", version, "--summary", "summary.md", *options)
    command = [sys.executable, str(GATE), *asked, "--", *LOAD, "--url", service.target.url, *THRESHOLDS]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PATH": searched},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0 if new_group else None,
    )


async def ended(gate: "subprocess.Popen[str]") -> tuple[int, str]:
    text, _ = await asyncio.to_thread(gate.communicate, timeout=120)
    print(text)
    return gate.returncode, text


@pytest.mark.parametrize(("version", "status", "verdict"), [(GOOD, 0, "Passed"), (BAD, 1, "Failed")])
async def test_a_good_version_goes_through_and_a_bad_one_is_blocked(
    version: str, status: int, verdict: str, tmp_path: Path
) -> None:
    async with running_service(version) as service:
        ending = await ended(started_gate(tmp_path, service, version=version))

    assert ending[0] == status
    (summary,) = (tmp_path / "results").glob("*_summary.json")
    assert json.loads(summary.read_text())["verdict"] == verdict
    assert (tmp_path / "summary.md").read_text().startswith(f"Version `{version}`\n\n## Load test custom: {verdict}\n")


@pytest.mark.parametrize("deployed", [BAD, f"{GOOD}-rc1"])
async def test_nothing_is_loaded_while_another_version_is_there(deployed: str, tmp_path: Path) -> None:
    async with running_service(deployed) as service:
        status, text = await ended(started_gate(tmp_path, service, "--wait", "1"))

    assert status == 3
    assert "does not say v1.4.0" in text
    assert service.target.uploads == []


async def test_a_rollout_that_has_not_finished_is_waited_for(tmp_path: Path) -> None:
    async with running_service(BAD) as service:
        gate = started_gate(tmp_path, service)
        await asyncio.sleep(1.5)
        assert service.target.uploads == []
        service.version = GOOD

        assert (await ended(gate))[0] == 0


async def test_a_load_that_passed_does_not_count_if_another_version_came_meanwhile(tmp_path: Path) -> None:
    async with running_service(GOOD) as service:
        gate = started_gate(tmp_path, service)
        while len(service.target.uploads) < 6:  # noqa: ASYNC110 - the target runs in this loop
            await asyncio.sleep(0.01)
        service.version = f"{GOOD}-rc1"
        status, text = await ended(gate)

    assert status == 2
    assert "another version was there after the load" in text


async def test_a_target_that_ignores_the_header_never_loaded(tmp_path: Path) -> None:
    async with running_service(GOOD) as service:
        service.target.answer = storing_answer
        status, text = await ended(started_gate(tmp_path, service))

    assert status == 3
    assert "Failed (never loaded)" in text


async def test_a_pipeline_that_gives_up_stops_the_load_and_still_has_results(tmp_path: Path) -> None:
    async with running_service(GOOD) as service:
        gate = started_gate(tmp_path, service)
        while len(service.target.uploads) < 6:  # noqa: ASYNC110 - the target runs in this loop
            await asyncio.sleep(0.01)
        gate.send_signal(signal.SIGTERM)
        status, _ = await ended(gate)

    assert status == 2
    assert list((tmp_path / "results").glob("*_report.html"))


async def test_ctrl_c_in_a_terminal_which_reaches_the_gate_and_what_it_runs_counts_once(tmp_path: Path) -> None:
    # An upload takes longer than Python waits for the end of a child that Ctrl-C has reached as well.
    async with running_service(BAD) as service:
        gate = started_gate(tmp_path, service, version=BAD, new_group=True)
        while len(service.target.uploads) < 6:  # noqa: ASYNC110 - the target runs in this loop
            await asyncio.sleep(0.01)
        os.killpg(gate.pid, signal.SIGINT)
        status, _ = await ended(gate)

    (summary,) = (tmp_path / "results").glob("*_summary.json")
    assert json.loads(summary.read_text())["reasons"][0] == "the test was stopped by Ctrl-C while it ran"
    assert status == 2


def test_what_cannot_be_meant_is_wrong_usage_and_help_names_every_exit_status() -> None:
    wrong = subprocess.run([sys.executable, str(GATE), "--version", "v1"], capture_output=True, check=False)
    helped = subprocess.run([sys.executable, str(GATE), "--help"], capture_output=True, text=True, check=True)

    assert wrong.returncode == 64
    for status in ("0 Passed", "1 Failed", "2 Inconclusive", "3 nothing was loaded", "64 wrong usage"):
        assert status in " ".join(helped.stdout.split())


@pytest.mark.parametrize(("version", "status"), [(GOOD, 0), (BAD, 1)])
async def test_the_recipe_for_gitlab_lets_a_good_version_through_and_blocks_a_bad_one(
    version: str, status: int, tmp_path: Path
) -> None:
    job = yaml.safe_load((EXAMPLES / "gitlab-ci-without-cluster.yml").read_text(encoding="utf-8"))["load-test"]
    (script,) = job["script"]
    async with running_service(version) as service:
        # Uploads and version are at two ports here.
        script = script.replace("$STAGING/version", service.version_url)
        script = script.replace("$STAGING/clients/upload/process/", service.target.url).replace("p95 < 5s", "p95 < 1s")
        script = script.replace("load-test/gate_without_cluster.py", shlex.quote(str(GATE)))
        searched = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        variables = {"PATH": searched, "CI_COMMIT_TAG": version, "LOAD": " ".join(LOAD)}
        command, environment = ["sh", "-e", "-c", script], {**os.environ, **variables}
        ending = await asyncio.to_thread(
            subprocess.run, command, cwd=tmp_path, env=environment, check=False, timeout=120
        )

    assert ending.returncode == status
    assert [path.suffix for path in sorted((tmp_path / "results").iterdir()) if path.match("*_junit.xml")] == [".xml"]
    assert job["artifacts"]["reports"]["junit"] == "results/*_junit.xml"
