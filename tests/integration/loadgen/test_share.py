"""One share of a load, as a pod runs it and `loadgen run` does: from the proof to the last snapshot."""

import asyncio
import time

from aiohttp import web

from http_target import ReceivedUpload, answerer_from_rows, running_target, storing_answer
from loadgen.load.engine import Iteration
from loadgen.load.share import Share, cut, sole_error
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import PodState, ProofLevel
from loadtest_model.plan import Plan
from support.loadgen_plans import make_plan


def a_share(plan: Plan, pod_index: int = 0) -> Share:
    return Share(plan, pod_index, f"uid-{pod_index}", time.monotonic_ns)


async def test_a_share_is_proven_and_loaded_and_tells_of_both_in_one_snapshot() -> None:
    async with running_target() as target:
        share, iterations = a_share(make_plan(target.url, duration_seconds=0.5)), list[Iteration]()
        share.observe(iterations.append)
        before = share.snapshot(0, PodState.WAITING)

        report = await share.prove()
        verification_uploads = len(target.uploads)
        violation = await share.load(time.monotonic_ns(), is_alone=True)
        share.freeze()
        after = share.snapshot(0, PodState.DONE)

        assert (before.steps, before.verification, before.elapsed_seconds) == ((), None, 0.0)
        assert report.level is ProofLevel.ECHOED
        assert violation is None
        assert (after.pod_index, after.pod_uid, after.state) == (0, "uid-0", PodState.DONE)
        assert after.verification == report == share.report
        assert after.steps[0].finished_pods
        assert after.steps[0].total.accepted == len(iterations) == len(target.uploads) - verification_uploads > 0
        assert after.elapsed_seconds > 0.4
        assert after.generator.max_loop_lag_seconds > 0
        assert share.snapshot(0, PodState.DONE).elapsed_seconds == after.elapsed_seconds
        assert share.snapshot(0, PodState.DONE).sequence == after.sequence > before.sequence


async def test_only_the_share_that_goes_first_is_proven_with_a_full_batch() -> None:
    async with running_target() as target:
        plan = make_plan(target.url, batch_size=300, virtual_users=2, parallelism=2)

        for index in (0, 1):
            await a_share(plan, index).prove()

        assert [received.rows for received in target.uploads].count(300) == 1


async def test_a_share_that_is_cut_has_nothing_in_flight_and_its_load_is_over() -> None:
    arrival = asyncio.Event()

    async def hang(_received: ReceivedUpload) -> web.StreamResponse:
        arrival.set()
        await asyncio.sleep(30)
        raise AssertionError

    async with running_target() as target:
        share = a_share(make_plan(target.url, duration_seconds=60.0))
        await share.prove()
        target.answer = hang
        loading = asyncio.ensure_future(share.load(time.monotonic_ns()))
        await arrival.wait()

        start = time.monotonic()
        await cut(loading)

        after = share.snapshot(0, PodState.HALTED)
        assert time.monotonic() - start < 2
        assert loading.cancelled()
        assert after.steps[0].in_flight == 0
        assert after.steps[0].errors == {ErrorKind.CANCELLED: 1}
        assert share.snapshot(0, PodState.HALTED).elapsed_seconds == after.elapsed_seconds


async def test_a_share_whose_target_breaks_its_promise_gives_the_violation_and_ends() -> None:
    async with running_target() as target:
        share = a_share(make_plan(target.url, duration_seconds=60.0))
        await share.prove()
        target.answer = answerer_from_rows(50, storing_answer)

        violation = await share.load(time.monotonic_ns(), is_alone=True)

        assert violation is not None
        assert violation.kind is ErrorKind.MARKER_MISSING
        assert share.snapshot(0, PodState.HALTED).steps[0].total.violation == 1


async def test_a_share_that_is_told_to_drain_finishes_what_is_in_flight() -> None:
    async with running_target() as target:
        share = a_share(make_plan(target.url, duration_seconds=60.0))
        await share.prove()
        first_upload_end = asyncio.Event()
        share.observe(lambda _: first_upload_end.set())
        loading = asyncio.ensure_future(share.load(time.monotonic_ns(), is_alone=True))
        await first_upload_end.wait()

        share.drain()

        assert await loading is None
        (step,) = share.snapshot(0, PodState.DONE).steps
        assert step.total.accepted == step.total.due
        assert not step.finished_pods


def test_a_failure_is_told_by_itself_however_deep_it_lies() -> None:
    error, other_error = ValueError("one"), KeyError("two")

    assert sole_error(ExceptionGroup("", [ExceptionGroup("", [error])])) is error
    assert isinstance(sole_error(ExceptionGroup("", [error, other_error])), ExceptionGroup)
