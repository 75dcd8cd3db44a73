"""Whatever an upload waits for, its first byte is never sent after the load was stopped or is over.

Each place at which an iteration waits is given a length of its own; the clock passes by waiting alone.
"""

import asyncio
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from loadgen.http.endpoints import parse_endpoint
from loadgen.load.engine import Engine
from loadgen.measure.recorder import Recorder
from loadgen.upload.addresses import AddressBook
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec
from support.delayed_uploads import DelayedUploader, Delays, Wire
from support.virtual_time import run_in_virtual_time

ADDRESSES = tuple(parse_endpoint(f"127.0.0.{number}:8000") for number in (1, 2))
END = 10.0
ROWS = 10


@dataclass(frozen=True)
class Ending:
    """When the load is stopped or cut, and since when an address is proven; None means never."""

    stop_at: float | None = None
    cut_at: float | None = None
    proven_at: float | None = 0.0
    departed_at: float | None = None


@dataclass(frozen=True)
class Result:
    step: StepAggregate
    first_bytes_at: list[float]
    lasted: float


def make_plan(**load: Any) -> Plan:
    document = {
        "target": {"url": "http://clients.test/upload/", "timeout": "5s", "timeouts": {"connect": "4s"}},
        "scenario": "custom",
        "load": {"batchSize": ROWS, "duration": "10s", **load},
    }
    return compile_plan(msgspec.convert(document, Spec), Identity(namespace="n", name="t", uid="u"))


async def run(plan: Plan, delays: Delays, ending: Ending) -> Result:
    loop = asyncio.get_running_loop()

    def clock_ns() -> int:
        return round(loop.time() * 1_000_000_000)

    with patch("time.monotonic", loop.time):
        book = AddressBook(has_push=True)
        book.observe(ADDRESSES)
        recorder, wire = Recorder(0, 1), Wire(delays)
        engine = Engine(plan, 0, DelayedUploader(plan, wire), book, recorder, clock_ns)
        began_at = loop.time()
        if ending.proven_at == 0.0:
            book.confirm(ADDRESSES[0])
        elif ending.proven_at is not None:
            loop.call_later(ending.proven_at, book.confirm, ADDRESSES[0])
        if ending.departed_at is not None:
            book.confirm(ADDRESSES[1])
            loop.call_later(ending.departed_at, book.observe, ADDRESSES[:1], began_at + ending.departed_at)
        running = asyncio.create_task(engine.run(clock_ns()))
        if ending.stop_at is not None:
            loop.call_later(ending.stop_at, engine.drain)
        if ending.cut_at is not None:
            loop.call_later(ending.cut_at, running.cancel)
        await asyncio.wait({running})
        if not running.cancelled():
            running.result()
        assert engine.virtual_users == 0
        (step,) = recorder.read(0, clock_ns())[1]
        return Result(step, [at - began_at for at in wire.first_bytes_at], loop.time() - began_at)


def assert_accounted_for(result: Result) -> None:
    total = result.step.total
    assert total.is_conserved
    assert all(second.counts.is_conserved for second in result.step.seconds)
    assert result.step.in_flight == 0
    assert total.records_sent == ROWS * len(result.first_bytes_at)
    # Only what had no connection counts as sent without a byte: it was refused, or cut while it was being opened.
    assert total.accepted <= len(result.first_bytes_at) <= total.sent
    for name in ("due", "sent", "dropped", "accepted", "cancelled"):
        assert sum(getattr(second.counts, name) for second in result.step.seconds) == getattr(total, name)
    assert sum(second.ended for second in result.step.seconds) == total.sent
    assert sum(second.lapsed for second in result.step.seconds) == total.dropped


waits = st.lists(st.sampled_from([0.0, 0.001]) | st.floats(0.0, 15.0), min_size=1, max_size=3).map(tuple)
delays_of = st.builds(
    Delays,
    encoder=waits,
    token=waits,
    connect=waits,
    turn=waits,
    taking=waits,
    answer=waits,
    refusals=st.lists(st.booleans(), min_size=1, max_size=3).map(tuple),
)
instants = st.none() | st.floats(0.1, 14.0)
endings = st.builds(
    Ending,
    stop_at=instants,
    cut_at=instants,
    proven_at=st.just(0.0) | instants,
    departed_at=instants,
)
paces = st.sampled_from([{"thinkTime": "300ms"}, {"arrivalRate": 1.5}, {"arrivalRate": 1.0, "maxLateness": "2s"}])
graces = st.sampled_from(["0s", "1s", "5s"])


@given(delays_of, endings, paces, st.integers(1, 3), graces)
@example(Delays(encoder=(6.0,)), Ending(stop_at=3.0), {"thinkTime": "300ms"}, 2, "5s")
@example(Delays(token=(6.0,)), Ending(stop_at=3.0), {"thinkTime": "300ms"}, 2, "5s")
@example(Delays(connect=(3.0,)), Ending(stop_at=1.0), {"thinkTime": "300ms"}, 2, "5s")
@example(Delays(turn=(3.0,)), Ending(stop_at=1.0), {"thinkTime": "300ms"}, 2, "5s")
@example(Delays(), Ending(stop_at=1.0, proven_at=2.0), {"thinkTime": "300ms"}, 2, "5s")
@example(Delays(encoder=(2.9,)), Ending(), {"thinkTime": "300ms"}, 2, "5s")
@example(Delays(encoder=(2.9,)), Ending(), {"arrivalRate": 1.5}, 2, "5s")
@example(Delays(token=(2.9,)), Ending(), {"arrivalRate": 1.5}, 2, "5s")
@example(Delays(connect=(2.9,)), Ending(), {"arrivalRate": 1.5}, 2, "5s")
@example(Delays(turn=(2.9,)), Ending(), {"arrivalRate": 1.5}, 2, "0s")
@example(Delays(connect=(0.9, 1.9), refusals=(True, False)), Ending(departed_at=9.5), {"arrivalRate": 1.5}, 3, "5s")
def test_no_first_byte_is_sent_after_a_stop_or_the_end_whatever_the_upload_waited_for(
    delays: Delays, ending: Ending, pace: dict[str, Any], virtual_users: int, grace: str
) -> None:
    plan = make_plan(virtualUsers=virtual_users, gracefulStop=grace, **pace)

    result = run_in_virtual_time(run(plan, delays, ending))

    last = min(at for at in (ending.stop_at, ending.cut_at, END) if at is not None)
    assert all(at <= last + 1e-6 for at in result.first_bytes_at), max(result.first_bytes_at)
    assert_accounted_for(result)


@given(delays_of, st.integers(1, 3), graces)
@example(Delays(encoder=(2.9,)), 2, "5s")
@example(Delays(connect=(2.9,)), 2, "5s")
@example(Delays(connect=(2.9,)), 2, "0s")
def test_in_the_open_model_what_is_turned_away_at_the_end_is_dropped_so_that_every_arrival_counts(
    delays: Delays, virtual_users: int, grace: str
) -> None:
    plan = make_plan(virtualUsers=virtual_users, gracefulStop=grace, arrivalRate=1.5)

    result = run_in_virtual_time(run(plan, delays, Ending()))

    assert_accounted_for(result)
    assert result.step.total.due == 15


@given(delays_of, st.integers(1, 3), st.floats(0.1, 9.0))
@example(Delays(encoder=(6.0,)), 2, 3.0)
def test_what_a_stop_turns_away_counts_nowhere(delays: Delays, virtual_users: int, stop_at: float) -> None:
    plan = make_plan(virtualUsers=virtual_users, arrivalRate=1.5)

    result = run_in_virtual_time(run(plan, delays, Ending(stop_at=stop_at)))

    assert_accounted_for(result)
    lapsed = [second.second for second in result.step.seconds if second.lapsed]
    assert all(second <= stop_at for second in lapsed)


@given(st.floats(1.0, 60.0), st.sampled_from(["encoder", "token"]), st.integers(1, 4))
@example(20.0, "encoder", 4)
def test_an_upload_that_waits_for_our_own_side_keeps_a_stop_no_longer_than_what_is_in_flight(
    seconds: float, place: str, virtual_users: int
) -> None:
    plan = make_plan(virtualUsers=virtual_users, thinkTime="300ms")

    result = run_in_virtual_time(run(plan, Delays(**{place: (seconds,)}), Ending(stop_at=0.5)))

    assert result.lasted < 1.6
