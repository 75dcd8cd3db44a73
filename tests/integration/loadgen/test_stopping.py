"""What a load sends after it was stopped, or is over: nothing, whatever its uploads had waited for."""

import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from http_target import running_target
from support.local_runs import in_terminal, results_in

MOST_ROWS = 10_000


@dataclass
class Arrivals:
    """A target that answers each upload at once and keeps when it arrived."""

    at: list[float] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.at.append(time.monotonic())
        await request.read()
        return web.json_response(
            {"success": True, "load_test_mode": True, "load_test_nonce": request.headers["X-Load-Test-Nonce"]}
        )


def write_manifest(path: Path, url: str, **load: object) -> Path:
    document = {
        "apiVersion": "x-load-test.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "workbooks"},
        "spec": {
            "target": {"url": url, "format": "xlsx", "timeout": "60s", "response": {"expectCount": "any"}},
            "scenario": "custom",
            "load": {"batchSize": MOST_ROWS, **load},
        },
    }
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize(
    "load",
    [
        {"arrivalRate": 80, "virtualUsers": 500, "duration": "60s"},
        {"virtualUsers": 100, "duration": "60s"},
    ],
    ids=["open", "closed"],
)
async def test_ctrl_c_withdraws_every_workbook_that_is_not_under_way(tmp_path: Path, load: dict[str, object]) -> None:
    arrivals = Arrivals()
    async with running_target() as target:
        target.early = arrivals.answer
        manifest = write_manifest(tmp_path / "test.yaml", target.url, **load)
        with in_terminal("run", "-f", manifest, "--out", tmp_path / "out") as terminal:
            # The verification's four uploads come first; then many more are due than the encoder can make.
            await terminal.until_true(lambda: len(arrivals.at) >= 14)
            stopped_at = time.monotonic()
            terminal.press_ctrl_c()
            status = await terminal.exit_status()
            ended_at = time.monotonic()

    summary = results_in(tmp_path / "out").summary
    assert status == 2, terminal.plain
    # A moment for the signal to reach the process, and for an upload that was sent to reach the target.
    assert max(arrivals.at) < stopped_at + 1.0
    assert ended_at < stopped_at + 5.0
    verification = summary.verification.uploads
    assert summary.requests.due == summary.requests.sent == len(arrivals.at) - verification
    assert summary.requests.dropped == 0


async def test_in_the_open_model_workbooks_that_are_not_under_way_at_the_end_are_dropped(tmp_path: Path) -> None:
    arrivals = Arrivals()
    async with running_target() as target:
        target.early = arrivals.answer
        manifest = write_manifest(tmp_path / "test.yaml", target.url, arrivalRate=80, virtualUsers=500, duration="2s")
        with in_terminal("run", "-f", manifest, "--out", tmp_path / "out") as terminal:
            await terminal.until("Verdict")
            await terminal.exit_status()

    summary = results_in(tmp_path / "out").summary
    verification = summary.verification.uploads
    assert summary.requests.due == 160
    assert summary.requests.sent == len(arrivals.at) - verification
    assert summary.requests.dropped == 160 - summary.requests.sent
    assert max(arrivals.at) - arrivals.at[verification] < 3.0
