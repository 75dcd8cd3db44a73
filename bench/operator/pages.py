"""The live pages at their largest: a thousand pods after an hour, and a list of a thousand tests, without a network."""

import time
import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import structs

from bench.operator.merging import STEP, SimulatedPod
from bench.operator.scenarios import Figure
from loadgen.live.messages import Look, packed
from loadtest_live.content import PageContent
from loadtest_model.judgement.judged_thresholds import threshold_results
from loadtest_model.measurement.aggregate import Aggregate, merge_snapshots
from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.measurement.timeline import Timeline, with_series
from loadtest_model.pages.live.overview import ListedTest, overview
from loadtest_model.pages.live.run import load_view
from loadtest_model.plan import Plan
from loadtest_model.report.status import Phase, Status
from loadtest_operator.ui.running import Turn, load_figures
from support.builders import a_plan
from support.operator_builders import a_pod, an_observation

_PODS: Final = 1_000
_PODS_WITH_SECONDS: Final = 20
"""How many pods the seconds are of: a sum of all has as many seconds, and each is as large."""
_TESTS: Final = 1_000
_HOUR_SECONDS: Final = 3_600
_LOOK_SECONDS: Final = 2
_LOOKS: Final = 5
_STARTED_AT: Final = "2026-03-01T12:00:00Z"


def _turn(plan: Plan, snapshots: list[Snapshot], aggregate: Aggregate) -> Turn:
    pods = [a_pod(snapshot.pod_index, PodState.RUNNING, snapshot=snapshot) for snapshot in snapshots]
    status = Status(phase=Phase.RUNNING, started_at=_STARTED_AT, thresholds=threshold_results(plan, aggregate))
    return Turn(an_observation(*pods, begun=True), status, plan, aggregate)


def pages() -> list[Figure]:
    """What a look costs, and what is sent for it."""
    return [*_run_page(), *_list_page(), *_message()]


def _run_page() -> list[Figure]:
    plan = structs.replace(a_plan(), steps=(STEP,), parallelism=_PODS)
    with_seconds = [SimulatedPod(index) for index in range(_PODS_WITH_SECONDS)]
    others = [SimulatedPod(index, uploads_per_second=0.1) for index in range(_PODS_WITH_SECONDS, _PODS)]
    timeline, content = Timeline(), PageContent("bench")
    compressor, version, seconds, sizes, compressed_sizes = zlib.compressobj(6, wbits=31), "", [], [], []
    for look in range(_LOOKS):
        until = _HOUR_SECONDS - (_LOOKS - 1 - look) * _LOOK_SECONDS
        newest = []
        for pod in with_seconds:
            pod.load_until(until)
            newest.append(timeline.add_snapshot(msgspec.json.decode(pod.answer(), type=Snapshot)))
        for pod in others:
            pod.load_until(until)
            newest.append(pod.snapshot_without_seconds())
        series = timeline.series([str(pod.index) for pod in with_seconds])
        turn = _turn(plan, newest, with_series(merge_snapshots(newest), series))
        start_seconds = time.process_time()
        figures = load_figures(turn)
        assert figures is not None
        content.take(load_view(turn.shown().standing(), figures))
        update = content.update_since(version) or b""
        seconds.append(time.process_time() - start_seconds)
        version = content.version
        sizes.append(len(update))
        compressed_sizes.append(len(compressor.compress(update) + compressor.flush(zlib.Z_SYNC_FLUSH)))
    return [
        Figure("render a running test, a thousand pods after an hour", f"{1e3 * _median(seconds):.0f} ms", "250 ms"),
        Figure("its first event, compressed", _size(sizes[0], compressed_sizes[0]), "250 kB"),
        Figure(
            "an event of a later look, compressed", _size(_median(sizes[1:]), _median(compressed_sizes[1:])), "100 kB"
        ),
    ]


def _list_page() -> list[Figure]:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    lines = [
        ListedTest(
            uid=f"{number:032}",
            namespace=f"team-{number % 20}",
            name=f"checkout-upload-{number}",
            since=now - timedelta(minutes=number),
            phase=Phase.RUNNING if number < 50 else Phase.COMPLETED,
            scenario="heavy",
            share=0.5,
            records_per_second=50_000.0 + number,
            p95_seconds=0.8,
            errors=number,
        )
        for number in range(_TESTS)
    ]
    content, seconds = PageContent("bench"), []
    for _ in range(_LOOKS):
        start_seconds = time.process_time()
        content.take(overview(lines, now, "All namespaces"))
        update = content.update_since("") or b""
        seconds.append(time.process_time() - start_seconds)
    compressed_size = len(zlib.compress(update, 6))
    return [
        Figure("render a list of a thousand tests", f"{1e3 * _median(seconds):.0f} ms", "100 ms"),
        Figure("all of it as an event, compressed", _size(len(update), compressed_size), "50 kB"),
    ]


def _message() -> list[Figure]:
    """What a generator does for its own page at each look."""
    pod, seconds = SimulatedPod(0, uploads_per_second=50), []
    for look in range(_LOOKS):
        pod.load_until(_HOUR_SECONDS - _LOOKS + look)
        start_seconds = time.thread_time()
        message = packed(Look(phase=Phase.RUNNING, message="", snapshot=pod.snapshot(), started_at=_STARTED_AT))
        seconds.append(time.thread_time() - start_seconds)
    name = f"tell the page of a local run how it stands after an hour ({len(message):,} bytes)"
    return [Figure(name, f"{1e3 * _median(seconds):.1f} ms", "3 ms")]


def _median(values: list[float] | list[int]) -> float:
    return sorted(values)[len(values) // 2]


def _size(size: float, compressed_size: float) -> str:
    return f"{compressed_size / 1e3:.0f} kB of {size / 1e3:.0f} kB"
