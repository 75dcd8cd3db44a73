"""What the results of `loadgen run` tell beyond counts and percentiles, held against what the target received."""

import asyncio
import re
import time
from datetime import datetime
from itertools import accumulate
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from http_target import HttpTarget, ReceivedUpload, honouring_answer, running_target, status_answerer
from loadtest_model.report.time_series import rows_of_csv
from support.local_runs import Results, loadgen, results_in

VERIFICATION_UPLOADS = 4
SLOW_UPLOAD = VERIFICATION_UPLOADS + 5
FAILED_UPLOAD = VERIFICATION_UPLOADS + 2
UPLOADS = ("custom", "--batch-size", 20, "--virtual-users", 1, "--records", 600)
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-(00|01)")


async def answer_one_slowly_and_one_wrongly(received: ReceivedUpload) -> web.StreamResponse:
    if received.number == SLOW_UPLOAD:
        await asyncio.sleep(1.2)
    if received.number == FAILED_UPLOAD:
        answer: web.StreamResponse = status_answerer(503)(received)  # type: ignore[assignment]
        return answer
    return honouring_answer(received)


async def run_against(target: HttpTarget, folder: Path, *arguments: object) -> Results:
    await loadgen("run", *UPLOADS, *arguments, "--url", target.url, "--out", folder)
    return results_in(folder)


async def test_the_slowest_uploads_name_the_traces_that_the_target_received(tmp_path: Path) -> None:
    async with running_target(answer_one_slowly_and_one_wrongly) as target:
        results = await run_against(target, tmp_path, "--trace", "0.5")

    verification, load = target.uploads[:VERIFICATION_UPLOADS], target.uploads[VERIFICATION_UPLOADS:]
    matches = [TRACEPARENT.fullmatch(received.headers["traceparent"]) for received in load]
    traces = [match[1] for match in matches if match is not None]
    assert ["traceparent" in received.headers for received in verification] == [False] * VERIFICATION_UPLOADS
    assert len(set(traces)) == len(load) == 30
    assert {match[2] for match in matches if match is not None} == {"00", "01"}
    slowest = results.summary.slowest
    assert len(slowest) == 10
    assert slowest[0].trace_id == traces[SLOW_UPLOAD - VERIFICATION_UPLOADS]
    assert slowest[0].response_seconds >= 1.2
    assert (slowest[0].step, slowest[0].pod, slowest[0].outcome, slowest[0].status) == ("custom", 0, "accepted", 200)
    assert slowest[0].address == f"{target.host}:{target.port}"
    assert {upload.trace_id for upload in slowest} <= set(traces)
    assert [upload.response_seconds for upload in slowest] == sorted(
        (upload.response_seconds for upload in slowest), reverse=True
    )


async def test_nothing_is_traced_where_nobody_asked(tmp_path: Path) -> None:
    async with running_target() as target:
        results = await run_against(target, tmp_path)

    assert not any("traceparent" in received.headers for received in target.uploads)
    assert {upload.trace_id for upload in results.summary.slowest} == {""}


async def test_a_traceparent_of_ones_own_is_refused_beside_ours(tmp_path: Path) -> None:
    header = ("--header", "TraceParent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    async with running_target() as target:
        both = await loadgen("run", *UPLOADS, *header, "--trace", "1", "--url", target.url, "--out", tmp_path)
        wrong = await loadgen("run", *UPLOADS, "--trace", "half", "--url", target.url, "--out", tmp_path)
        above = await loadgen("run", *UPLOADS, "--trace", "1.5", "--url", target.url, "--out", tmp_path)

    assert target.uploads == []
    assert [run.returncode for run in (both, wrong, above)] == [64, 64, 64]
    assert "a traceparent of its own, so --header and --header-env must not have one" in both.stderr
    assert "--trace is 'half'; write a share between 0 and 1" in wrong.stderr
    assert "--trace is 1.5; write a number of at most 1" in above.stderr


async def test_the_summary_has_distribution_plateaus_the_one_pod_and_the_manifest(tmp_path: Path) -> None:
    load = ("--virtual-users", 2, "--duration", "2500ms", "--think-time", "20ms", "--header", "X-Key: 5ecret")
    async with running_target() as target:
        await loadgen("run", "custom", "--batch-size", 20, *load, "--url", target.url, "--out", tmp_path)
    results = results_in(tmp_path)

    summary = results.summary
    (pod,) = summary.pods
    assert (pod.index, pod.pods, pod.sent, pod.accepted) == (0, 1, summary.requests.sent, summary.requests.accepted)
    assert pod.p95 == summary.response_time_seconds.p95
    assert (summary.distribution[0].quantile, summary.distribution[-1].quantile) == (0.0, 1.0)
    assert summary.distribution[-1].seconds == summary.response_time_seconds.max
    assert summary.steps[0].distribution == summary.distribution
    (plateau,) = summary.steps[0].plateaus
    assert (plateau.first, plateau.end, plateau.level, plateau.unit) == (0, 2, 2.0, "virtual users")
    assert plateau.requests == summary.requests
    assert plateau.records_per_second == pytest.approx(20 * plateau.requests_per_second)
    manifest = yaml.safe_load(summary.manifest)
    assert (manifest["kind"], manifest["metadata"]["name"]) == ("LoadTest", "custom")
    assert manifest["spec"]["load"] == {
        "batchSize": 20,
        "virtualUsers": 2,
        "duration": "2500ms",
        "thinkTime": "20ms",
    }
    assert "runId" not in manifest["spec"]
    assert "5ecret" not in summary.manifest


async def test_a_row_has_the_errors_and_the_percentile_of_its_second(tmp_path: Path) -> None:
    async with running_target(answer_one_slowly_and_one_wrongly) as target:
        # So few answers a second that the 95th percentile is the greatest of them.
        results = await run_against(target, tmp_path, "--think-time", "100ms")

    rows = rows_of_csv("\n".join(results.time_series))
    assert [row.errors for row in rows if row.errors] == ["server_error=1"]
    assert all((row.p95_response_seconds is None) == (not row.answers) for row in rows)
    assert max(row.p95_response_seconds or 0 for row in rows) == pytest.approx(
        results.summary.response_time_seconds.max, rel=0.041
    )


async def test_the_rows_of_a_step_begin_when_it_began_however_long_the_one_before_drained(tmp_path: Path) -> None:
    arrivals: list[float] = []

    async def answer_late(received: ReceivedUpload) -> web.StreamResponse:
        arrivals.append(time.time())
        if received.number >= VERIFICATION_UPLOADS:
            await asyncio.sleep(0.9)
        return honouring_answer(received)

    arguments = ("all", "--batch-size", 20, "--virtual-users", 1, "--duration", "1s")
    async with running_target(answer_late) as target:
        await loadgen("run", *arguments, "--url", target.url, "--out", tmp_path)

    results = results_in(tmp_path)
    first_rows = [row for row in rows_of_csv("\n".join(results.time_series)) if row.second == 0]
    assert [row.step for row in first_rows] == ["light", "medium", "heavy", "stress"]
    sent = accumulate((step.requests.sent for step in results.summary.steps), initial=VERIFICATION_UPLOADS)
    for row, first_upload in zip(first_rows, sent, strict=False):
        # Each step loads for one second and drains for almost another one.
        late_seconds = arrivals[first_upload] - datetime.fromisoformat(row.time).timestamp()
        assert -0.05 <= late_seconds <= 0.5
