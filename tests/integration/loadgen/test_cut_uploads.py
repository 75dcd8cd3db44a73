"""Uploads that the end of the load cuts: they count at their age, so that a target that hangs does not look good."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from http_target import ReceivedUpload, honouring_answer, running_target
from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.summary import Summary
from support.local_runs import loadgen, results_in

LOAD_ROWS = 50


def write_manifest(path: Path, url: str, thresholds: list[str], **load: object) -> Path:
    document = {
        "apiVersion": "x-load-test.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "hanging"},
        "spec": {
            "target": {"url": url, "timeout": "30s"},
            "scenario": "custom",
            "load": {"batchSize": LOAD_ROWS, "thinkTime": "30s", **load},
            "thresholds": thresholds,
        },
    }
    path.write_text(yaml.safe_dump(document))
    return path


async def run(
    folder: Path, thresholds: list[str], is_answered: Callable[[int], bool], **load: object
) -> tuple[Summary, str]:
    """A run against a target that answers some uploads of the load after half a second, and the others never."""
    never = asyncio.Event()
    uploads = 0

    async def answer(received: ReceivedUpload) -> web.StreamResponse:
        nonlocal uploads
        if received.rows == LOAD_ROWS and len(target.uploads) > 4:
            uploads += 1
            if not is_answered(uploads):
                await never.wait()
            await asyncio.sleep(0.5)
        return honouring_answer(received)

    async with running_target(answer) as target:
        manifest = write_manifest(folder / "test.yaml", target.url, thresholds, **load)
        process = await loadgen("run", "-f", manifest, "--out", folder / "out")
        never.set()
    return results_in(folder / "out").summary, process.stdout + process.stderr


async def test_four_of_five_uploads_that_never_answered_do_not_vanish_behind_a_short_grace_period(
    tmp_path: Path,
) -> None:
    thresholds = ["error_rate < 1%", "avg < 10s", "p95 < 20s", "p99 < 30s"]

    summary, text = await run(
        tmp_path, thresholds, lambda number: number == 1, virtualUsers=5, duration="3s", gracefulStop="1s"
    )

    assert (summary.requests.sent, summary.requests.accepted) == (5, 1), text
    assert summary.response_time_seconds.samples == 5
    assert summary.response_time_seconds.censored == 4
    assert (summary.response_time_seconds.p99 or 0.0) >= 1.0
    assert summary.verdict is Verdict.INCONCLUSIVE
    results = {result.expression: result for result in summary.thresholds}
    assert all(result.is_in_doubt for result in results.values()), results
    assert results["error_rate < 1%"].high == pytest.approx(0.8)
    assert results["p99 < 30s"].high is None
    assert "gracefulStop" in summary.reasons[0]
    assert summary.health.level is HealthLevel.WARNING
    assert "4 of 5 uploads" in summary.health.evidence[0]
    assert "4 before they ended" in text


async def test_an_age_above_a_bound_breaches_it(tmp_path: Path) -> None:
    summary, text = await run(
        tmp_path, ["p95 < 1s"], lambda number: number == 1, virtualUsers=5, duration="2s", gracefulStop="1s"
    )

    assert summary.verdict is Verdict.FAILED, text
    assert summary.reasons[0].startswith("threshold p95 < 1s is breached")


async def test_an_upload_cut_among_many_that_ended_leaves_the_verdict_alone(tmp_path: Path) -> None:
    thresholds = ["error_rate < 5%", "avg < 10s", "p95 < 20s"]

    summary, text = await run(
        tmp_path,
        thresholds,
        lambda number: number != 30,
        virtualUsers=20,
        duration="3s",
        thinkTime="300ms",
        gracefulStop="2s",
    )

    assert summary.requests.sent >= 40, text
    assert summary.response_time_seconds.censored == 1
    assert summary.verdict is Verdict.PASSED, text
