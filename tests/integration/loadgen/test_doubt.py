"""A generator that is short of time puts its own numbers in doubt: it accuses no target, and excuses none."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.summary import Summary
from raw_target import read_request, running_raw_target
from support.cpu_group import CpuGroup
from support.local_runs import command, environment, results_in

BODY = b'{"success": true, "load_test_mode": true}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
SOON_SECONDS = 60
VERIFICATION_UPLOADS = 4


class Sink:
    """A target that takes what comes without looking at it, and answers each upload after so long."""

    def __init__(self, seconds: float) -> None:
        self.url = ""
        self._seconds = seconds
        self._uploads = 0
        self._change = asyncio.Condition()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            async with self._change:
                self._uploads += 1
                self._change.notify_all()
            await asyncio.sleep(self._seconds)
            writer.write(ANSWER)
            await writer.drain()

    async def has_taken(self, uploads: int) -> None:
        async with asyncio.timeout(SOON_SECONDS), self._change:
            await self._change.wait_for(lambda: self._uploads >= uploads)


@asynccontextmanager
async def a_sink(seconds: float = 0.0) -> AsyncIterator[Sink]:
    sink = Sink(seconds)
    async with running_raw_target(sink.converse) as address:
        sink.url = f"http://{address}/clients/upload/process/"
        yield sink


def a_manifest(folder: Path, url: str, *thresholds: str, load: dict[str, Any], **target: Any) -> Path:
    file = folder / "loadtest.yaml"
    spec = {
        "target": {"url": url, "response": {"expectCount": "any"}, **target},
        "scenario": "custom",
        "load": load,
        "thresholds": list(thresholds),
    }
    document = {"apiVersion": "x-load-test.dev/v1alpha1", "kind": "LoadTest", "metadata": {"name": "doubt"}}
    file.write_text(yaml.safe_dump({**document, "spec": spec}))
    return file


@asynccontextmanager
async def a_run(manifest: Path, *prefix: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`loadgen run`, whose results go to the manifest's folder; it has ended when the context does."""
    process = await asyncio.create_subprocess_exec(
        *prefix,
        *command("run", "-f", manifest, "--out", manifest.parent / "results"),
        env=environment(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
        await asyncio.wait_for(process.communicate(), SOON_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()


async def stopped_for(process: asyncio.subprocess.Process, sink: Sink, seconds: float) -> None:
    """Have the kernel stop the process for so long while uploads of its load are in flight."""
    await sink.has_taken(VERIFICATION_UPLOADS + 8)
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    process.send_signal(signal.SIGCONT)


def summary_of(manifest: Path) -> Summary:
    return results_in(manifest.parent / "results").summary


@pytest.mark.parametrize(("rate", "users"), [(120, 600), (200, 100)], ids=["enough users", "users run out"])
async def test_a_queue_before_our_own_encoder_is_not_the_targets(tmp_path: Path, rate: int, users: int) -> None:
    async with a_sink() as sink:
        load = {"batchSize": 50_000, "arrivalRate": rate, "virtualUsers": users, "duration": "6s"}
        manifest = a_manifest(tmp_path, sink.url, "p95 < 500ms", load=load, format="xlsx")
        async with a_run(manifest):
            pass

    summary = summary_of(manifest)
    (threshold,) = summary.thresholds
    assert threshold.value is not None
    assert threshold.value > 0.5, "the encoder kept up; the test must ask for more"
    assert summary.verdict is Verdict.INCONCLUSIVE, summary.reasons
    assert "p95 < 500ms is in doubt" in summary.reasons[0]
    assert "make batches smaller" in summary.reasons[0]
    assert threshold.low is not None
    assert threshold.low < 0.5
    assert summary.generator.offered_share < 0.9
    assert summary.health.level != "Critical"
    assert not any("virtual users free" in text for text in summary.health.evidence)


async def test_a_stop_of_ours_is_not_the_targets(tmp_path: Path) -> None:
    async with a_sink(seconds=0.5) as sink:
        load = {"batchSize": 10, "virtualUsers": 4, "duration": "8s"}
        manifest = a_manifest(tmp_path, sink.url, "p95 < 2s", "error_rate < 1%", load=load, timeout="3s")
        async with a_run(manifest) as process:
            await stopped_for(process, sink, 4.0)

    summary = summary_of(manifest)
    longest = summary.response_time_seconds.max
    assert longest is not None
    assert longest > 2, "nothing was in flight while the generator was stopped"
    assert summary.verdict is not Verdict.FAILED, summary.reasons


async def test_a_slow_target_fails_for_all_that_the_generator_was_stopped(tmp_path: Path) -> None:
    async with a_sink(seconds=2.0) as sink:
        load = {"batchSize": 10, "virtualUsers": 4, "duration": "8s"}
        manifest = a_manifest(tmp_path, sink.url, "p50 < 1s", load=load)
        async with a_run(manifest) as process:
            await stopped_for(process, sink, 1.0)

    summary = summary_of(manifest)
    assert summary.verdict is Verdict.FAILED, summary.reasons
    assert "threshold p50 < 1s is breached" in summary.reasons[0]


async def test_a_generator_throttled_to_a_tenth_of_a_core_neither_passes_nor_fails_a_fast_target_with_tight_bounds(
    tmp_path: Path, group: CpuGroup
) -> None:
    group.limit(0.1)
    async with a_sink() as sink:
        load = {"batchSize": 1_000, "virtualUsers": 4, "duration": "8s"}
        manifest = a_manifest(tmp_path, sink.url, "p95 < 60ms", load=load, timeout="30s")
        async with a_run(manifest, *group.prefix):
            pass

    summary = summary_of(manifest)
    assert summary.verdict is Verdict.INCONCLUSIVE, (summary.reasons, summary.thresholds, summary.generator)
    assert "raise spec.pod.resources.limits.cpu" in summary.reasons[0]
