"""Closed-model load on a real server: what is sent when, and that every upload is accounted for."""

import asyncio
import os
import time
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from http_target import (
    PATH,
    ReceivedUpload,
    answerer_from_rows,
    honouring_answer,
    running_target,
    status_answerer,
    storing_answer,
)
from loadgen.formats import CsvFormat, FileBody
from loadgen.http.endpoints import Endpoint
from loadgen.records import Batch
from loadtest_model.load.pacing import Segment
from loadtest_model.measurement.outcomes import ErrorKind
from raw_target import read_request, reset, running_raw_target
from support.loadgen_loads import Load
from support.loadgen_plans import make_plan

NANOSECONDS = 1_000_000_000


async def test_virtual_users_upload_one_after_the_other_for_the_duration() -> None:
    in_flight, max_in_flight = 0, 0

    async def answer(received: ReceivedUpload) -> web.StreamResponse:
        nonlocal in_flight, max_in_flight
        in_flight += 1
        max_in_flight = max(max_in_flight, in_flight)
        await asyncio.sleep(0.02)
        in_flight -= 1
        return honouring_answer(received)

    async with running_target(answer) as target:
        load = Load(make_plan(target.url, virtual_users=3, duration_seconds=1.0), f"127.0.0.1:{target.port}")
        start = time.monotonic()

        assert await load.run() is None

        assert 0.9 < time.monotonic() - start < 3
        step = load.step()
        assert step.finished_pods
        assert max_in_flight == 3
        assert step.total.accepted == step.total.sent == len(target.uploads) > 3
        assert step.total.records_sent == step.total.records_confirmed == target.rows
        assert step.total.bytes_sent == sum(received.body_bytes for received in target.uploads)
        ids = [client_id for received in target.uploads for client_id in received.client_ids]
        assert len(set(ids)) == len(ids)


async def test_two_pods_share_the_users_and_their_files_and_rows_are_told_apart() -> None:
    async with running_target() as target:
        plan = make_plan(target.url, virtual_users=2, duration_seconds=0.5, parallelism=2)
        loads = [Load(plan, f"127.0.0.1:{target.port}", pod_index=index) for index in range(2)]

        await asyncio.gather(*(load.run() for load in loads))

        assert sum(load.step().total.accepted for load in loads) == len(target.uploads)
        assert all(load.step().total.accepted for load in loads)
        names = [received.file_name for received in target.uploads]
        ids = [client_id for received in target.uploads for client_id in received.client_ids]
        assert len(set(names)) == len(names)
        assert len(set(ids)) == len(ids)


async def test_users_who_upload_workbooks_at_the_same_time_send_each_row_once() -> None:
    async with running_target() as target:
        # Long enough for some workbooks on a busy machine: what is not under way at the end is not sent.
        plan = make_plan(target.url, virtual_users=3, duration_seconds=2.0, target={"format": "xlsx"})
        load = Load(plan, f"127.0.0.1:{target.port}")

        await load.run()

        total = load.step().total
        ids = [client_id for received in target.uploads for client_id in received.client_ids]
        assert total.accepted == total.sent == len(target.uploads) > 3
        assert total.records_confirmed == len(ids) == len(set(ids))


async def test_uploads_go_to_every_proven_address_in_turn() -> None:
    async with running_target() as first_target, running_target(host="127.0.0.2") as second_target:
        load = Load(
            make_plan(first_target.url, duration_seconds=0.5),
            f"127.0.0.1:{first_target.port}",
            f"127.0.0.2:{second_target.port}",
        )

        await load.run()

        assert abs(len(first_target.uploads) - len(second_target.uploads)) <= 1


async def test_think_time_passes_between_two_uploads_of_a_user() -> None:
    async with running_target() as target:
        plan = make_plan(target.url, duration_seconds=1.0, load={"thinkTime": "300ms"})
        load = Load(plan, f"127.0.0.1:{target.port}")

        await load.run()

        assert 1 <= len(target.uploads) <= 4


async def test_a_process_that_was_held_up_begins_nothing_after_the_load() -> None:
    async with running_target() as target:
        plan = make_plan(target.url, duration_seconds=0.5, load={"thinkTime": "200ms"})
        load = Load(plan, f"127.0.0.1:{target.port}")

        running = asyncio.create_task(load.run())
        async with asyncio.timeout(5):
            while not (load.steps() and load.step().total.accepted):  # noqa: ASYNC110 - asks a plain recorder
                await asyncio.sleep(0.01)
        before = len(target.uploads)
        time.sleep(0.6)  # noqa: ASYNC251 - nothing of this process runs meanwhile
        await running

        assert len(target.uploads) == before


async def test_from_a_thousand_rows_on_each_upload_has_a_connection_of_its_own() -> None:
    async with running_target() as target:
        for rows, is_kept in ((999, True), (1000, False)):
            target.uploads.clear()
            load = Load(make_plan(target.url, batch_size=rows, duration_seconds=0.4), f"127.0.0.1:{target.port}")

            await load.run()

            connections = {received.connection for received in target.uploads}
            assert len(target.uploads) > 1
            assert (len(connections) < len(target.uploads)) == is_kept


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, ErrorKind.UNAUTHORIZED),
        (403, ErrorKind.FORBIDDEN),
        (404, ErrorKind.NOT_FOUND),
        (413, ErrorKind.TOO_LARGE),
        (429, ErrorKind.THROTTLED),
        (400, ErrorKind.CLIENT_ERROR),
        (500, ErrorKind.SERVER_ERROR),
        (503, ErrorKind.SERVER_ERROR),
    ],
)
async def test_a_rejection_is_counted_by_its_kind_and_the_load_goes_on(code: int, kind: ErrorKind) -> None:
    async with running_target(status_answerer(code)) as target:
        load = Load(make_plan(target.url, duration_seconds=0.5), f"127.0.0.1:{target.port}")

        assert await load.run() is None

        step = load.step()
        assert step.total.rejected == step.total.sent == len(target.uploads) > 1
        assert step.errors == {kind: step.total.sent}
        assert step.rejected_response.count == step.total.sent
        assert step.response.count == 0


async def test_miscounted_and_unsuccessful_answers_confirm_no_row() -> None:
    def answer(received: ReceivedUpload) -> web.StreamResponse:
        if received.number % 2:
            return honouring_answer(received, success=False)
        return honouring_answer(received, processed_count=1)

    async with running_target(answer) as target:
        load = Load(make_plan(target.url, duration_seconds=0.5), f"127.0.0.1:{target.port}")

        await load.run()

        step = load.step()
        assert set(step.errors) == {ErrorKind.MISCOUNTED, ErrorKind.UNSUCCESSFUL}
        assert step.total.records_confirmed == 0
        assert step.total.records_sent == target.rows


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (storing_answer, ErrorKind.MARKER_MISSING),
        (status_answerer(302, Location="/login/"), ErrorKind.REDIRECT),
    ],
)
async def test_a_violation_ends_the_load_and_cuts_what_is_in_flight(answer: object, kind: ErrorKind) -> None:
    async def answer_five_then_break(received: ReceivedUpload) -> web.StreamResponse:
        if received.number < 5:
            return honouring_answer(received)
        if received.number == 5:
            return answer(received)  # type: ignore[operator,no-any-return]
        await asyncio.Event().wait()
        raise AssertionError

    async with running_target(answer_five_then_break) as target:
        plan = make_plan(target.url, virtual_users=4, duration_seconds=30)
        load = Load(plan, f"127.0.0.1:{target.port}")
        start = time.monotonic()

        violation = await load.run()

        assert time.monotonic() - start < 10
        assert violation is not None
        assert violation.kind is kind
        assert violation.rows == 50
        assert violation.first_client_id == target.uploads[5].client_ids[0]
        assert violation.address == f"127.0.0.1:{target.port}"
        step = load.step()
        assert step.total.violation == 1
        assert step.total.unknown == step.total.cancelled
        assert step.in_flight == 0
        assert not step.finished_pods


async def test_an_upload_that_takes_too_long_is_unknown_with_the_time_out_as_its_least_time() -> None:
    async def hang(_: ReceivedUpload) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with running_target(hang) as target:
        plan = make_plan(target.url, duration_seconds=0.5, target={"timeout": "1s"})
        load = Load(plan, f"127.0.0.1:{target.port}")

        await load.run()

        step = load.step()
        assert step.errors == {ErrorKind.TIMEOUT: 1}
        assert step.total.cancelled == 0
        assert step.response.count == 1
        assert step.response.max_seconds is not None
        assert step.response.max_seconds >= 1.0


async def test_at_the_end_nothing_new_starts_and_what_is_in_flight_is_finished() -> None:
    async def slow(received: ReceivedUpload) -> web.StreamResponse:
        await asyncio.sleep(0.8)
        return honouring_answer(received)

    async with running_target(slow) as target:
        load = Load(make_plan(target.url, virtual_users=2, duration_seconds=0.5), f"127.0.0.1:{target.port}")

        await load.run()

        step = load.step()
        assert step.total.accepted == step.total.sent == 2


async def test_a_user_that_retires_ends_its_upload_which_counts_in_the_stage_it_began_in() -> None:
    async def slow(received: ReceivedUpload) -> web.StreamResponse:
        await asyncio.sleep(0.6)
        return honouring_answer(received)

    async with running_target(slow) as target:
        stages = (
            Segment(duration_seconds=0.5, first_users=3, last_users=3),
            Segment(duration_seconds=0.5, first_users=1, last_users=1),
        )
        plan = make_plan(target.url, virtual_users=3)
        (step,) = plan.steps
        step = msgspec.structs.replace(step, segments=stages)
        load = Load(msgspec.structs.replace(plan, steps=(step,)), f"127.0.0.1:{target.port}")

        await load.run()

        step_aggregate = load.step()
        assert step_aggregate.total.accepted == step_aggregate.total.sent == 4
        assert [counts.sent for counts in step_aggregate.segment_counts] == [3, 1]


async def test_draining_starts_nothing_new_and_finishes_what_is_in_flight() -> None:
    arrival = asyncio.Event()

    async def slow(received: ReceivedUpload) -> web.StreamResponse:
        arrival.set()
        await asyncio.sleep(0.3)
        return honouring_answer(received)

    async with running_target(slow) as target:
        load = Load(make_plan(target.url, virtual_users=2, duration_seconds=60), f"127.0.0.1:{target.port}")
        running = asyncio.create_task(load.run())
        await asyncio.wait_for(arrival.wait(), 5)

        load.engine.drain()

        assert await asyncio.wait_for(running, 5) is None
        step = load.step()
        assert step.total.accepted == step.total.sent <= 2
        assert step.total.cancelled == 0
        assert not step.finished_pods


async def test_cancelling_counts_every_upload_in_flight_as_cancelled() -> None:
    arrivals = asyncio.Queue[ReceivedUpload]()

    async def hang(received: ReceivedUpload) -> web.StreamResponse:
        arrivals.put_nowait(received)
        await asyncio.Event().wait()
        raise AssertionError

    async with running_target(hang) as target:
        load = Load(make_plan(target.url, virtual_users=5, duration_seconds=60), f"127.0.0.1:{target.port}")
        running = asyncio.create_task(load.run())
        for _ in range(5):
            await asyncio.wait_for(arrivals.get(), 5)
        assert load.step().in_flight == 5

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        step = load.step()
        assert step.errors == {ErrorKind.CANCELLED: 5}
        assert step.total.cancelled == step.total.unknown == step.total.sent == 5
        assert step.total.error_rate is None
        assert step.in_flight == 0
        assert not step.finished_pods


async def test_a_target_that_refuses_connections_is_not_spun_on() -> None:
    async with running_target() as target:
        endpoint = f"127.0.0.1:{target.port}"
    load = Load(make_plan(target.url, duration_seconds=1.2), endpoint)

    await load.run()

    step = load.step()
    assert step.errors == {ErrorKind.REFUSED: step.total.sent}
    assert 1 <= step.total.sent <= 3
    assert step.total.records_sent == step.total.bytes_sent == 0


async def test_no_upload_waits_for_an_address_until_after_the_load() -> None:
    async with running_target() as target:
        load = Load(make_plan(target.url, duration_seconds=0.4))
        load.book.expect_others(has_others=True)
        running = asyncio.create_task(load.run())
        await asyncio.sleep(0.7)
        load.book.confirm(Endpoint("127.0.0.1", target.port))
        await running

    assert target.uploads == []
    assert load.step().errors == {ErrorKind.NO_ADDRESS: load.step().total.sent}


async def test_without_any_address_iterations_are_rejected_for_lack_of_one() -> None:
    load = Load(make_plan("http://django.shop.svc/u/", duration_seconds=0.6))

    await load.run()

    step = load.step()
    assert step.errors == {ErrorKind.NO_ADDRESS: step.total.sent}
    assert step.total.rejected == step.total.sent > 0


async def test_an_address_that_is_dropped_while_the_load_runs_gets_no_more_uploads() -> None:
    async with running_target() as first_target, running_target(host="127.0.0.2") as second_target:
        load = Load(
            make_plan(first_target.url, duration_seconds=1.0),
            f"127.0.0.1:{first_target.port}",
            f"127.0.0.2:{second_target.port}",
        )
        running = asyncio.create_task(load.run())
        while not second_target.uploads:  # noqa: ASYNC110 - what is waited for is in the target
            await asyncio.sleep(0.01)

        load.book.observe([Endpoint("127.0.0.1", first_target.port)])
        await asyncio.sleep(0.1)
        uploads_before = len(second_target.uploads)
        await running

        assert len(second_target.uploads) == uploads_before
        assert load.step().total.accepted == len(first_target.uploads) + len(second_target.uploads)


async def test_resets_are_unknown_and_the_target_may_have_the_rows() -> None:
    async def slam(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        reset(writer)

    async with running_raw_target(slam) as address:
        load = Load(make_plan(f"http://{address}{PATH}", duration_seconds=0.5), address)

        await load.run()

        step = load.step()
        assert step.errors == {ErrorKind.RESET: step.total.sent}
        assert step.total.unknown == step.total.sent > 0
        assert step.total.records_sent == 50 * step.total.sent


async def test_the_token_is_read_again_after_a_401(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("old")

    def check_token(received: ReceivedUpload) -> web.StreamResponse:
        if received.headers["Authorization"] == "Token new":
            return honouring_answer(received)
        before = token_file.stat()
        with token_file.open("r+") as file:
            file.write("new")
        # Nothing but the 401 tells that the token has changed.
        os.utime(token_file, ns=(before.st_atime_ns, before.st_mtime_ns))
        return web.Response(status=401)

    async with running_target(check_token) as target:
        plan = make_plan(
            target.url,
            duration_seconds=0.5,
            token_file=str(token_file),
            target={"auth": {"secretKeyRef": {"name": "t"}, "scheme": "Token"}},
        )
        load = Load(plan, f"127.0.0.1:{target.port}")

        await load.run()

        assert load.step().errors == {ErrorKind.UNAUTHORIZED: 1}
        assert load.step().total.accepted >= 1


async def test_steps_begin_their_spans_apart_and_are_recorded_one_by_one() -> None:
    async with running_target(answerer_from_rows(10, honouring_answer)) as target:
        plan = make_plan(target.url, duration_seconds=0.3, target={"timeout": "1s"})
        (step,) = plan.steps
        plan = msgspec.structs.replace(plan, steps=(step, msgspec.structs.replace(step, name="second", batch_size=7)))
        load = Load(plan, f"127.0.0.1:{target.port}")
        start = time.monotonic()

        await load.run()

        # The second step begins 0.3 s of load and 1 s of longest drain after the first.
        assert 1.5 < time.monotonic() - start < 4
        first, second = load.steps()
        assert first.total.records_sent % 50 == second.total.records_sent % 7 == 0
        assert first.total.accepted + second.total.accepted == len(target.uploads)
        assert second.seconds[0].counts.sent > 0


@pytest.mark.parametrize(("load", "is_counted"), [({}, False), ({"arrivalRate": 2, "virtualUsers": 5}, True)])
async def test_making_a_file_is_not_the_targets_time_but_makes_an_arrival_late(
    load: dict[str, object], is_counted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    making_seconds = 0.6
    encode = CsvFormat.encode

    async def encode_slowly(self: CsvFormat, batch: Batch) -> FileBody:
        await asyncio.sleep(making_seconds)
        return await encode(self, batch)

    monkeypatch.setattr(CsvFormat, "encode", encode_slowly)
    async with running_target() as target:
        running_load = Load(make_plan(target.url, duration_seconds=1.5, load=load), f"127.0.0.1:{target.port}")

        assert await running_load.run() is None

    step = running_load.step()
    assert step.total.accepted >= 2
    service_seconds = step.service.max_seconds or 0.0
    assert 0 < service_seconds < making_seconds
    assert ((step.response.max_seconds or 0.0) >= making_seconds) is is_counted
    # An arrival that was still being made when the load ended is dropped at its age.
    assert ((step.own.response.quantile_seconds(0.5) or 0.0) >= making_seconds * 0.98) is is_counted
    assert (step.own.service.max_seconds or 0.0) < making_seconds
