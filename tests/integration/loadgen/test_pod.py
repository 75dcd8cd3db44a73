"""A pod as a process: its life from waiting to its exit code, and everything that can end it early."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from http_target import (
    PATH,
    Answer,
    HttpTarget,
    ReceivedUpload,
    answerer_from_rows,
    honouring_answer,
    running_target,
    status_answerer,
    storing_answer,
)
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import HaltReason, PodState, Refusal, Snapshot
from loadtest_model.plan import Deadlines, Plan, plan_hash
from loadtest_model.protocol.commands import CONTROL_PORT, Ack, Arm, Halt, TargetAddresses, Verb, endpoints_digest
from loadtest_model.protocol.exits import PodExit
from loadtest_model.protocol.last_word import decode_last_word
from support.loadgen_plans import make_plan, token
from support.loadgen_pods import PodProcess, fleet, pod_process, start_fleet
from support.loopback import free_address

FULL = 50


async def hang(_: ReceivedUpload) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


def hangs_under_load(received: ReceivedUpload) -> Answer | Awaitable[Answer]:
    """Answer the four uploads of the verification, and none after them."""
    return honouring_answer(received) if received.number < 4 else hang(received)


def assert_conserved(snapshot: Snapshot) -> None:
    for step in snapshot.steps:
        assert step.total.is_conserved
        assert step.judged.is_conserved
        assert all(second.counts.is_conserved for second in step.seconds)
        assert sum(second.counts.sent for second in step.seconds) == step.total.sent


async def running_pod(pod: PodProcess) -> None:
    await start_fleet((pod,))
    await pod.until(lambda snapshot: bool(snapshot.steps) and snapshot.steps[0].in_flight > 0)


def load_uploads(target: HttpTarget, verification_uploads: int = 4) -> int:
    return len(target.uploads) - verification_uploads


async def test_a_pod_verifies_loads_reports_and_exits_when_it_is_acknowledged(tmp_path: Path) -> None:
    async with running_target() as target:
        plan = make_plan(target.url, virtual_users=2, duration_seconds=1.0)
        async with pod_process(plan, tmp_path) as pod:
            assert (await pod.snapshot()).state is PodState.WAITING
            snapshot = await pod.verify()
            assert snapshot.verification is not None
            assert snapshot.verification.is_proven
            assert await pod.arm() == (200, {"state": "armed"})
            assert await pod.start() == (200, {"state": "running"})

            final = await pod.until_final()
            await pod.ack(final.sequence)

            assert await pod.until_exited() == PodExit.DONE
            assert final.state is PodState.DONE
            assert final.plan_hash == plan_hash(plan)
            assert final.start_id == "s1"
            assert_conserved(final)
            (step,) = final.steps
            assert step.finished_pods
            assert step.total.accepted == step.total.sent == load_uploads(target) > 2
            assert step.total.records_confirmed == target.rows - 1 - 5 - FULL
            assert final.generator.memory_bytes > 1_000_000
            assert final.elapsed_seconds >= 1.0


async def test_the_last_word_holds_the_same_counts_as_the_final_snapshot(tmp_path: Path) -> None:
    async with running_target() as target, pod_process(make_plan(target.url, duration_seconds=0.5), tmp_path) as pod:
        await start_fleet((pod,))
        final = await pod.until_final()
        await pod.ack(final.sequence)
        await pod.until_exited()

        word = pod.last_word()

        assert len(pod.termination_file.read_bytes()) <= 4096
        assert (word.state, word.sequence, word.final) == (PodState.DONE, final.sequence, True)
        assert word.steps[0].total == final.steps[0].total
        assert word.steps[0].response.count == final.steps[0].response.count


async def test_a_reader_that_asks_since_gets_only_what_changed(tmp_path: Path) -> None:
    async with running_target() as target, pod_process(make_plan(target.url, duration_seconds=2.5), tmp_path) as pod:
        await start_fleet((pod,))
        earlier = await pod.until(lambda snapshot: bool(snapshot.steps) and len(snapshot.steps[0].seconds) == 3)

        later = await pod.snapshot(since=earlier.sequence)

        assert later.sequence > earlier.sequence
        assert min(second.second for second in later.steps[0].seconds) >= 1
        assert later.steps[0].total.sent >= earlier.steps[0].total.sent


async def test_only_the_first_pod_uploads_a_full_size_batch_and_the_fleet_shares_the_users(tmp_path: Path) -> None:
    async with running_target() as target:
        plan = make_plan(target.url, virtual_users=3, duration_seconds=0.5, parallelism=2)
        async with fleet(plan, tmp_path) as pods:
            for pod in pods:
                await pod.verify()
            assert [received.rows for received in target.uploads] == [0, 1, 5, FULL, 0, 1, 5]

            await start_fleet(pods)
            finals = [await pod.until_final() for pod in pods]

            assert sum(final.steps[0].total.accepted for final in finals) == load_uploads(target, 7)
            ids = [client_id for received in target.uploads for client_id in received.client_ids]
            assert len(set(ids)) == len(ids)


async def test_a_refused_target_ends_the_pod_with_its_own_exit_code_and_reason(tmp_path: Path) -> None:
    async with running_target(storing_answer) as target, pod_process(make_plan(target.url), tmp_path) as pod:
        refusal = await pod.verify()
        final = await pod.until_final()
        await pod.ack(final.sequence)

        assert await pod.until_exited() == PodExit.REFUSED
        assert refusal.state is PodState.REFUSED
        word = pod.last_word()
        assert word.verification is not None
        assert word.verification.refusal is Refusal.MARKER_MISSING
        assert word.verification.hint
        assert target.rows == 0


async def test_a_violation_halts_the_pod_itself_and_its_peer(tmp_path: Path) -> None:
    # Pod 0 verifies with one full-size batch; after five more the target stops honouring the header once.
    def loses_marker(received: ReceivedUpload) -> web.StreamResponse:
        return (
            storing_answer(received) if received.rows == FULL and received.number == 20 else honouring_answer(received)
        )

    async with running_target(loses_marker) as target:
        plan = make_plan(target.url, virtual_users=4, duration_seconds=60, parallelism=2)
        async with fleet(plan, tmp_path) as pods:
            await start_fleet(pods)

            finals = [await pod.until_final() for pod in pods]
            for pod, final in zip(pods, finals, strict=True):
                await pod.ack(final.sequence)

            codes = [await pod.until_exited() for pod in pods]
            assert sorted(codes) == [PodExit.VIOLATION, PodExit.HALTED]
            guilty, peer = sorted(finals, key=lambda final: final.halt_reason is not HaltReason.VIOLATION)
            assert (guilty.halt_reason, peer.halt_reason) == (HaltReason.VIOLATION, HaltReason.PEER)
            assert guilty.violation is not None
            assert guilty.violation.kind is ErrorKind.MARKER_MISSING
            assert guilty.violation.first_client_id == target.uploads[20].client_ids[0]
            assert f"pod {guilty.pod_index} saw a violation" in peer.message
            for final in finals:
                assert_conserved(final)
            assert load_uploads(target, 7) <= sum(final.steps[0].total.sent for final in finals)
            assert sum(final.steps[0].total.violation for final in finals) == 1


async def test_a_proven_address_that_breaks_its_promise_when_it_is_verified_again_halts_the_fleet(
    tmp_path: Path,
) -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        sound, faulty = f"127.0.0.1:{one.port}", f"127.0.0.2:{two.port}"
        plan = make_plan(
            f"http://django.shop.svc{PATH}",
            duration_seconds=60,
            parallelism=2,
            addresses=(sound, faulty),
            virtual_users=2,
        )
        async with fleet(plan, tmp_path) as pods:
            await start_fleet(pods)
            for pod in pods:
                await pod.until(lambda snapshot: bool(snapshot.steps) and faulty in snapshot.steps[0].addresses)
            # Under load it answers as ever, so that nothing but the verification can find out.
            two.answer = lambda received: storing_answer(received) if received.rows == 1 else honouring_answer(received)
            for addresses in ((sound,), (sound, faulty)):
                assert (await pods[0].command(Verb.ENDPOINTS, TargetAddresses(addresses=addresses)))[0] == 200

            finals = [await pod.until_final() for pod in pods]
            for pod, final in zip(pods, finals, strict=True):
                await pod.ack(final.sequence)

            assert [await pod.until_exited() for pod in pods] == [PodExit.VIOLATION, PodExit.HALTED]
            guilty, peer = finals
            assert (guilty.halt_reason, peer.halt_reason) == (HaltReason.VIOLATION, HaltReason.PEER)
            assert guilty.violation is not None
            assert guilty.verification is not None
            assert (guilty.violation.kind, guilty.violation.address) == (ErrorKind.MARKER_MISSING, faulty)
            assert guilty.violation.first_client_id == guilty.verification.canary_ids[0]
            assert "pod 0 saw a violation" in peer.message
            assert "may be stored" in guilty.message
            for final in finals:
                assert_conserved(final)


async def test_a_violation_with_a_peer_that_does_not_confirm_ends_the_pod_at_once(tmp_path: Path) -> None:
    def loses_marker(received: ReceivedUpload) -> web.StreamResponse:
        return storing_answer(received) if received.rows == FULL and received.number > 6 else honouring_answer(received)

    async with running_target(loses_marker) as target:
        plan = make_plan(target.url, duration_seconds=60)
        async with pod_process(plan, tmp_path) as pod:
            await pod.verify()
            await pod.arm()
            await pod.start(peers=(f"{free_address()}:{CONTROL_PORT}",))

            assert await pod.until_exited() == PodExit.VIOLATION
            word = pod.last_word()
            assert word.halt_reason is HaltReason.VIOLATION
            assert word.violation is not None
            assert word.steps[0].total.violation == 1


async def test_a_violation_without_peers_lingers_for_the_acknowledgement(tmp_path: Path) -> None:
    def loses_marker(received: ReceivedUpload) -> web.StreamResponse:
        return storing_answer(received) if received.rows == FULL and received.number > 6 else honouring_answer(received)

    async with running_target(loses_marker) as target, pod_process(make_plan(target.url), tmp_path) as pod:
        await start_fleet((pod,))
        final = await pod.until_final()
        assert pod.process.returncode is None

        await pod.ack(final.sequence)

        assert await pod.until_exited() == PodExit.VIOLATION


async def test_sigterm_cuts_the_uploads_in_flight_and_leaves_a_last_word(tmp_path: Path) -> None:
    async with (
        running_target(hangs_under_load) as target,
        pod_process(make_plan(target.url, virtual_users=3, duration_seconds=60), tmp_path) as pod,
    ):
        await start_fleet((pod,))
        await pod.until(lambda snapshot: bool(snapshot.steps) and snapshot.steps[0].in_flight == 3)
        start = time.monotonic()

        pod.send_signal(signal.SIGTERM)

        assert await pod.until_exited() == PodExit.HALTED
        assert time.monotonic() - start < 4
        word = pod.last_word()
        assert (word.state, word.halt_reason) == (PodState.HALTED, HaltReason.SIGNAL)
        assert word.steps[0].total.is_conserved
        assert word.steps[0].errors == {ErrorKind.CANCELLED: 3}
        assert word.steps[0].in_flight == 0


async def test_sigterm_in_the_middle_of_large_bodies_conserves_every_upload(tmp_path: Path) -> None:
    async with running_target() as target:
        plan = make_plan(target.url, batch_size=20_000, virtual_users=4, duration_seconds=60)
        async with pod_process(plan, tmp_path) as pod:
            await start_fleet((pod,))
            await pod.until(lambda snapshot: bool(snapshot.steps) and snapshot.steps[0].total.accepted > 2)

            pod.send_signal(signal.SIGTERM)

            assert await pod.until_exited() == PodExit.HALTED
            total = pod.last_word().steps[0].total
            assert total.is_conserved
            assert total.unknown == total.cancelled
            # The target counts what arrived whole: at least what was accepted, at most what was sent.
            assert total.accepted <= load_uploads(target) <= total.sent


async def test_sigterm_while_it_waits_ends_the_pod(tmp_path: Path) -> None:
    async with running_target() as target, pod_process(make_plan(target.url), tmp_path) as pod:
        pod.send_signal(signal.SIGTERM)

        assert await pod.until_exited() == PodExit.HALTED
        assert pod.last_word().halt_reason is HaltReason.SIGNAL


async def test_sigterm_after_the_end_leaves_the_exit_code_as_it_is(tmp_path: Path) -> None:
    async with running_target() as target, pod_process(make_plan(target.url, duration_seconds=0.3), tmp_path) as pod:
        await start_fleet((pod,))
        await pod.until_final()

        pod.send_signal(signal.SIGTERM)

        assert await pod.until_exited(5) == PodExit.DONE
        assert pod.last_word().state is PodState.DONE


async def test_an_armed_pod_that_is_never_started_halts_by_itself(tmp_path: Path) -> None:
    async with running_target() as target:
        plan = make_plan(target.url, deadlines=Deadlines(barrier_seconds=0.5, linger_seconds=0.1))
        async with pod_process(plan, tmp_path) as pod:
            await pod.verify()
            await pod.arm()

            assert await pod.until_exited() == PodExit.HALTED
            word = pod.last_word()
            assert word.halt_reason is HaltReason.BARRIER
            assert "armed for 0.5 s" in word.message
            assert load_uploads(target) == 0


@pytest.mark.parametrize("is_verified", [False, True])
async def test_a_pod_that_nobody_commands_halts_by_itself(tmp_path: Path, is_verified: bool) -> None:
    async with running_target() as target:
        plan = make_plan(target.url, deadlines=Deadlines(verification_seconds=3.0, linger_seconds=0.1))
        async with pod_process(plan, tmp_path) as pod:
            if is_verified:
                await pod.verify()

            assert await pod.until_exited() == PodExit.HALTED
            word = pod.last_word()
            assert word.halt_reason is HaltReason.BARRIER
            assert ("verified" if is_verified else "waiting") in word.message


async def test_a_pod_that_is_not_acknowledged_lingers_only_so_long(tmp_path: Path) -> None:
    async with running_target(storing_answer) as target:
        plan = make_plan(target.url, deadlines=Deadlines(linger_seconds=0.5))
        async with pod_process(plan, tmp_path) as pod:
            await pod.verify()

            assert await pod.until_exited(10) == PodExit.REFUSED


async def test_an_acknowledgement_of_an_earlier_snapshot_does_not_release_the_pod(tmp_path: Path) -> None:
    async with running_target() as target, pod_process(make_plan(target.url, duration_seconds=0.3), tmp_path) as pod:
        await start_fleet((pod,))
        final = await pod.until_final()

        await pod.ack(final.sequence - 1)
        with pytest.raises(TimeoutError):
            await pod.until_exited(0.5)
        await pod.ack(final.sequence)

        assert await pod.until_exited() == PodExit.DONE


async def test_stop_finishes_what_is_in_flight_and_the_pod_is_done(tmp_path: Path) -> None:
    async def slow(received: ReceivedUpload) -> web.StreamResponse:
        await asyncio.sleep(0.5)
        return honouring_answer(received)

    async with running_target(answerer_from_rows(FULL, slow)) as target:
        plan = make_plan(target.url, virtual_users=2, duration_seconds=60)
        async with pod_process(plan, tmp_path) as pod:
            await running_pod(pod)

            assert (await pod.command(Verb.STOP))[0] == 200

            final = await pod.until_final()
            assert final.state is PodState.DONE
            assert final.steps[0].total.accepted == final.steps[0].total.sent > 0
            await pod.ack(final.sequence)
            assert await pod.until_exited() == PodExit.DONE


async def test_stop_before_the_load_ends_the_pod_without_any(tmp_path: Path) -> None:
    async with running_target() as target, pod_process(make_plan(target.url), tmp_path) as pod:
        await pod.verify()

        await pod.command(Verb.STOP)

        final = await pod.until_final()
        assert (final.state, final.steps) == (PodState.DONE, ())
        await pod.ack(final.sequence)
        assert await pod.until_exited() == PodExit.DONE
        assert load_uploads(target) == 0


async def test_halt_cuts_what_is_in_flight(tmp_path: Path) -> None:
    async with (
        running_target(hangs_under_load) as target,
        pod_process(make_plan(target.url, virtual_users=2, duration_seconds=60), tmp_path) as pod,
    ):
        await running_pod(pod)

        answer = await pod.command(Verb.HALT, Halt(reason="PodLost", message="pod 1 is gone"))

        assert answer == (200, {"state": "halted"})
        final = await pod.until_final()
        assert final.halt_reason is HaltReason.OPERATOR
        assert final.message == "pod 1 is gone"
        assert_conserved(final)
        assert final.steps[0].total.cancelled == final.steps[0].total.sent
        await pod.ack(final.sequence)
        assert await pod.until_exited() == PodExit.HALTED


@pytest.mark.parametrize("verb", [Verb.HALT, Verb.STOP])
async def test_a_verification_that_hangs_can_be_ended(tmp_path: Path, verb: Verb) -> None:
    async with running_target(hang) as target, pod_process(make_plan(target.url), tmp_path) as pod:
        await pod.command(Verb.VERIFY)
        async with asyncio.timeout(10):
            while not target.uploads:  # noqa: ASYNC110 - what is waited for is in the target
                await asyncio.sleep(0.01)

        await pod.command(verb, Halt(reason="OperatorHalted"))

        final = await pod.until_final()
        assert final.state is (PodState.HALTED if verb is Verb.HALT else PodState.DONE)
        await pod.ack(final.sequence)
        assert await pod.until_exited() == (PodExit.HALTED if verb is Verb.HALT else PodExit.DONE)


async def test_a_hanging_target_shows_in_the_snapshots_while_it_hangs(tmp_path: Path) -> None:
    async with (
        running_target(hangs_under_load) as target,
        pod_process(make_plan(target.url, virtual_users=2, duration_seconds=60), tmp_path) as pod,
    ):
        await start_fleet((pod,))

        snapshot = await pod.until(
            lambda snapshot: bool(snapshot.steps) and max(snapshot.steps[0].in_flight_ages_seconds, default=0) > 0.5
        )

        assert snapshot.steps[0].in_flight == 2
        assert snapshot.virtual_users == 2
        assert snapshot.steps[0].total.sent == 0


@pytest.mark.parametrize("verb", list(Verb))
async def test_every_command_needs_its_own_token_and_reading_needs_none(tmp_path: Path, verb: Verb) -> None:
    async with running_target() as target, pod_process(make_plan(target.url), tmp_path) as pod:
        other = next(each for each in Verb if each is not verb)
        for authorization in ("", "Bearer", "Bearer wrong", f"Basic {token(verb)}", f"Bearer {token(other)}"):
            status, body = await pod.command(verb, Ack(sequence=0), authorization=authorization)
            assert status == 401
            assert token(verb) not in str(body)

        assert (await pod.get("/healthz"))[0] == 200
        assert (await pod.snapshot()).state is PodState.WAITING


async def test_commands_out_of_order_are_refused_and_repeated_ones_change_nothing(tmp_path: Path) -> None:
    async with running_target() as target, pod_process(make_plan(target.url, duration_seconds=60), tmp_path) as pod:
        assert (await pod.arm())[0] == 409
        assert (await pod.start())[0] == 409
        await pod.verify()
        assert await pod.command(Verb.VERIFY) == (200, {"state": "verified"})
        assert (await pod.start())[0] == 409
        assert (await pod.command(Verb.ARM, Arm(start_id="s1", plan_hash="another")))[0] == 409

        assert await pod.arm() == await pod.arm() == (200, {"state": "armed"})
        status, body = await pod.arm(start_id="s2")
        assert (status, body["state"]) == (409, "armed")
        assert "s1" in body["error"]
        assert (await pod.start(start_id="s2"))[0] == 409

        assert await pod.start() == await pod.start() == (200, {"state": "running"})
        uploads = [received.rows for received in target.uploads if received.rows < FULL]
        assert uploads == [0, 1, 5]


async def test_a_malformed_command_is_refused_with_what_is_wrong(tmp_path: Path) -> None:
    async with running_target() as target, pod_process(make_plan(target.url), tmp_path) as pod:
        status, body = await pod.command(Verb.ARM, b'{"startId": 7}')

        assert status == 400
        assert "arm is malformed" in body["error"]
        assert (await pod.get("/snapshot?since=x"))[0] == 400


async def unstartable(tmp_path: Path, **environment: str) -> tuple[int | None, Path]:
    termination = tmp_path / "termination"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "loadgen.cli.main",
        "pod",
        env={**os.environ, "TERMINATION_MESSAGE_PATH": str(termination), **environment},
    )
    async with asyncio.timeout(60):
        await process.wait()
    return process.returncode, termination


async def test_a_pod_without_its_environment_ends_as_a_defect_and_says_what_is_missing(tmp_path: Path) -> None:
    code, termination = await unstartable(tmp_path, JOB_COMPLETION_INDEX="3", POD_UID="u")

    word = decode_last_word(termination.read_text())

    assert code == PodExit.DEFECT
    assert word is not None
    assert (word.state, word.halt_reason, word.pod_index) == (PodState.HALTED, HaltReason.DEFECT, 3)
    assert "LOADTEST_PLAN is missing" in word.message


async def test_a_pod_that_cannot_serve_ends_as_a_defect(tmp_path: Path) -> None:
    plan: Plan = make_plan("http://127.0.0.1:1/u/")

    code, termination = await unstartable(
        tmp_path,
        LOADTEST_PLAN=msgspec.json.encode(plan).decode(),
        JOB_COMPLETION_INDEX="0",
        POD_UID="u",
        # An address of documentation (RFC 5737) that this machine does not have.
        POD_IP="192.0.2.1",
    )

    word = decode_last_word(termination.read_text())
    assert code == PodExit.DEFECT
    assert word is not None
    assert "192.0.2.1" in word.message


async def test_a_pod_follows_the_addresses_that_it_is_told(tmp_path: Path) -> None:
    async with (
        running_target() as one,
        running_target(host="127.0.0.2") as two,
        running_target(status_answerer(403), host="127.0.0.3") as three,
    ):
        old, new, forbidding = (f"127.0.0.{n}:{target.port}" for n, target in enumerate((one, two, three), 1))
        plan = make_plan("http://django.shop.svc/clients/upload/process/", duration_seconds=30.0, addresses=(old,))
        async with pod_process(plan, tmp_path) as pod:
            await running_pod(pod)
            for _ in range(2):
                assert (await pod.command(Verb.ENDPOINTS, TargetAddresses(addresses=(new, forbidding))))[0] == 200

            def moved(snapshot: Snapshot) -> bool:
                seen = snapshot.verification
                loaded = bool(snapshot.steps) and new in snapshot.steps[0].addresses
                return loaded and seen is not None and bool(seen.unverified)

            snapshot = await pod.until(moved)

            assert snapshot.endpoints == endpoints_digest((new, forbidding))
            assert snapshot.verification is not None
            assert snapshot.verification.vanished == (old,)
            assert snapshot.verification.unverified == (forbidding,)
            assert [received.rows for received in two.uploads][:3] == [0, 1, 5]
            assert len(three.uploads) == 1


@pytest.mark.parametrize("armed", [False, True])
async def test_a_new_address_that_ignores_the_header_before_the_load_refuses_the_target(
    tmp_path: Path, armed: bool
) -> None:
    async with running_target() as one, running_target(answerer_from_rows(1, storing_answer), host="127.0.0.2") as two:
        old, new = f"127.0.0.1:{one.port}", f"127.0.0.2:{two.port}"
        plan = make_plan(f"http://django.shop.svc{PATH}", duration_seconds=30.0, addresses=(old,))
        async with pod_process(plan, tmp_path) as pod:
            assert (await pod.verify()).state is PodState.VERIFIED
            if armed:
                assert (await pod.arm())[0] == 200
            assert (await pod.command(Verb.ENDPOINTS, TargetAddresses(addresses=(new,))))[0] == 200

            final = await pod.until_final()

            assert final.state is PodState.REFUSED
            assert final.verification is not None
            assert final.verification.refusal is Refusal.MARKER_MISSING
            (canary,) = two.uploads[-1].client_ids
            assert new in final.message
            assert canary in final.message
            assert final.verification.canary_ids[0] == canary
            await pod.ack(final.sequence)
            assert await pod.until_exited() == PodExit.REFUSED
            assert [received.rows for received in two.uploads] == [0, 1]
            assert max(received.rows for received in one.uploads) == FULL


async def test_a_pod_follows_the_addresses_between_its_verification_and_the_start(tmp_path: Path) -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        old, new = f"127.0.0.1:{one.port}", f"127.0.0.2:{two.port}"
        plan = make_plan(f"http://django.shop.svc{PATH}", duration_seconds=30.0, addresses=(old,))
        async with pod_process(plan, tmp_path) as pod:
            assert (await pod.verify()).state is PodState.VERIFIED
            verification_uploads = len(one.uploads)
            assert (await pod.command(Verb.ENDPOINTS, TargetAddresses(addresses=(new,))))[0] == 200

            def is_settled(snapshot: Snapshot) -> bool:
                return snapshot.proofs is not None and snapshot.proofs.proven == (new,) and not snapshot.proofs.pending

            await pod.until(is_settled)
            assert [received.rows for received in two.uploads] == [0, 1, 5]
            assert (await pod.arm())[0] == (await pod.start())[0] == 200
            await pod.until(lambda snapshot: bool(snapshot.steps) and snapshot.steps[0].total.accepted > 0)

            assert len(one.uploads) == verification_uploads


async def test_the_proofs_of_a_pod_that_waits_for_the_start_are_made_again_when_they_are_too_old(
    tmp_path: Path,
) -> None:
    async with running_target() as target:
        plan = make_plan(target.url, duration_seconds=30.0)
        async with pod_process(plan, tmp_path) as pod:
            await pod.verify()
            address = f"127.0.0.1:{target.port}"
            renewal = TargetAddresses(addresses=(address,), proof_seconds=0.0)
            assert (await pod.command(Verb.ENDPOINTS, renewal))[0] == 200

            async with asyncio.timeout(20):
                while len(target.uploads) < 7:  # noqa: ASYNC110 - the target runs in this loop
                    await asyncio.sleep(0.01)
            await pod.until(lambda snapshot: snapshot.proofs is not None and not snapshot.proofs.pending)

            assert [received.rows for received in target.uploads] == [0, 1, 5, FULL, 0, 1, 5]


async def test_addresses_that_are_none_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async with running_target() as target:
        address = f"127.0.0.1:{target.port}"
        plan = make_plan("http://django.shop.svc/clients/upload/process/", addresses=(address,))
        async with pod_process(plan, tmp_path) as pod:
            status, answer = await pod.command(Verb.ENDPOINTS, TargetAddresses(addresses=("django:8000",)))

            assert status == 409
            assert "'django:8000' is not an address with a port" in answer["error"]
            assert (await pod.snapshot()).endpoints == endpoints_digest((address,))


async def test_with_debug_a_pod_logs_every_upload_without_the_token(tmp_path: Path) -> None:
    def repeats_the_token(received: ReceivedUpload) -> web.Response:
        return honouring_answer(received, you=f"are {received.headers['Authorization']} {'x' * 300}")

    secret_file, log = tmp_path / "token", tmp_path / "log"
    secret_file.write_text("a-planted-token")
    async with running_target(repeats_the_token) as target:
        plan = make_plan(target.url, duration_seconds=0.3, token_file=str(secret_file), debug=True)
        async with pod_process(plan, tmp_path, log=log) as pod:
            await start_fleet((pod,))
            final = await pod.until_final()
            await pod.ack(final.sequence)
            assert await pod.until_exited() == PodExit.DONE

    lines = [json.loads(line) for line in log.read_text().splitlines()]
    uploads = [line for line in lines if line["event"] == "upload"]
    assert final.verification is not None
    assert len(uploads) == final.verification.uploads + final.steps[0].total.sent
    assert [line["part"] for line in uploads[:5]] == ["header-only", "canary", "few-rows", "full-batch", "custom"]
    last = uploads[-1]
    assert (last["records"], last["status"], last["came_to"]) == (FULL, 200, "accepted")
    assert last["address"] == f"127.0.0.1:{target.port}"
    assert last["bytes_sent"] > 5_000
    assert last["connect_seconds"] >= 0
    assert last["upload_seconds"] > 0
    assert last["wait_seconds"] > 0
    assert last["answer"].startswith('{"success": true')
    assert len(last["answer"]) <= 203
    assert "Bearer ***" in last["answer"]
    assert "planted" not in log.read_text()


async def test_without_debug_no_upload_is_logged(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with running_target() as target, pod_process(make_plan(target.url), tmp_path, log=log) as pod:
        await pod.verify()

    assert '"event": "verification"' in log.read_text()
    assert '"event": "upload"' not in log.read_text()
