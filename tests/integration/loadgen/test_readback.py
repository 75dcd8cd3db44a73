"""The read-back against a storage that can be asked: what it refuses beforehand, and what it shows at the end."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from http_target import (
    Answer,
    HttpTarget,
    ReceivedUpload,
    answerer_from_rows,
    honouring_answer,
    running_target,
    status_answerer,
    storing_answer,
)
from loadgen.http.endpoints import parse_endpoint
from loadgen.http.fetching import FetchedAnswer, make_fetch
from loadgen.http.upload_progress import UploadProgress
from loadgen.proof.proving import Prover
from loadgen.proof.read_back import ReadBack
from loadgen.proof.storage_readings import StorageReadings
from loadgen.records.space import run_prefix
from loadgen.screen.checklist import checklist
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import make_uploader
from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.proof import ReadBackResult, ReadingMoment, read_back_conclusion
from loadtest_model.measurement.snapshot import HaltReason, PodState, ProofLevel, Refusal, VerificationReport
from loadtest_model.plan import AddressPolicy, Plan, SecretPlace
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.plan.verification import ReadBackPlan, compile_read_back
from loadtest_model.protocol.commands import Verb
from loadtest_model.protocol.exits import PodExit
from loadtest_model.spec.verification import Verification
from storage import KNOWN, Storage, running_storage
from support.loadgen_plans import make_plan
from support.loadgen_pods import pod_process, start_fleet

FULL = 50
CLIENTS = RecordsPlan(seed=1, run_tag=1)
SKU = {"name": "sku code", "kind": "pattern", "pattern": "SKU #####-#?", "unique": True}
PRODUCTS = {"fields": {"only": [], "add": [SKU, {"name": "stock", "kind": "integer", "min": 0, "max": 9}]}}


def read_back_plan(url: str, records: RecordsPlan = CLIENTS, **fields: Any) -> ReadBackPlan:
    document = {"require": "Proven", "readBack": {"url": url, "settle": "0s", "timeout": "2s", **fields}}
    plan = compile_read_back(msgspec.convert(document, Verification), records)
    assert plan is not None
    return plan


def counting(storage: Storage, **fields: Any) -> ReadBackPlan:
    return read_back_plan(storage.count_url, **{"countPath": "count", **fields})


def looking_up(storage: Storage, **fields: Any) -> ReadBackPlan:
    return read_back_plan(storage.look_up_url, **{"countPath": "count", "control": {"clientId": KNOWN}, **fields})


def finding_rows(storage: Storage) -> ReadBackPlan:
    return read_back_plan(storage.row_url, control={"clientId": KNOWN})


WAYS = [counting, looking_up, finding_rows]
Way = Callable[[Storage], ReadBackPlan]


def a_plan(goal: HttpTarget, read_back: ReadBackPlan, require: str = "Proven", **fields: Any) -> Plan:
    plan = make_plan(goal.url, **fields)
    return msgspec.structs.replace(plan, read_back=read_back, require=require)


def a_prover(plan: Plan) -> Prover:
    return Prover(plan, make_uploader(plan, 0, lambda: "nonce"), AddressBook())


async def proven(plan: Plan) -> VerificationReport:
    return await a_prover(plan).prove(full_rows=FULL)


async def concluded(plan: Plan) -> VerificationReport:
    prover = a_prover(plan)
    report = await prover.prove(full_rows=FULL)
    assert report.is_proven, report.message
    await prover.conclude()
    assert prover.report is not None
    return prover.report


def shown(report: VerificationReport) -> ReadBackResult:
    assert report.read_back is not None
    return read_back_conclusion(report.read_back).result


@pytest.mark.parametrize("way", WAYS)
async def test_a_target_that_stores_nothing_is_proven_once_all_readings_agree(way: Way) -> None:
    async with running_target() as target, running_storage() as storage:
        prover = a_prover(a_plan(target, way(storage)))

        before = await prover.prove(full_rows=FULL)
        await prover.conclude()

        assert before.reached_level is ProofLevel.ECHOED
        assert prover.report is not None
        assert prover.report.reached_level is ProofLevel.PROVEN


@pytest.mark.parametrize("way", WAYS)
async def test_a_target_that_confirms_and_stores_costs_the_canary_alone(way: Way) -> None:
    async with running_storage() as storage, running_target(storage.storing_answerer()) as target:
        report = await proven(a_plan(target, way(storage)))

        assert report.refusal is Refusal.STORED
        assert report.hint
        assert target.rows == 1


@pytest.mark.parametrize("way", WAYS)
async def test_an_address_that_confirms_and_stores_beside_one_that_does_not_costs_its_canary_alone(way: Way) -> None:
    async with (
        running_storage() as storage,
        running_target() as one,
        running_target(storage.storing_answerer(), host="127.0.0.2") as two,
    ):
        addresses = (f"127.0.0.1:{one.port}", f"127.0.0.2:{two.port}")

        report = await proven(a_plan(one, way(storage), addresses=addresses))

        assert report.refusal is Refusal.STORED
        assert [received.rows for received in one.uploads] == [0, 1, 5]
        assert [received.rows for received in two.uploads] == [0, 1]


@pytest.mark.parametrize("way", WAYS)
async def test_a_lie_about_a_few_rows_is_found_before_the_whole_batch(way: Way) -> None:
    async with running_storage() as storage, running_target() as target:
        target.answer = answerer_from_rows(2, storage.storing_answerer())

        report = await proven(a_plan(target, way(storage)))

        assert report.refusal is Refusal.STORED
        assert "before the whole batch" in report.message
        assert target.rows == 1 + 5


@pytest.mark.parametrize(("way", "evidence"), [(counting, "rose by 1"), (looking_up, "found after the refusal")])
async def test_a_target_that_ignores_the_header_is_asked_what_it_has_stored(way: Way, evidence: str) -> None:
    async with running_storage() as storage, running_target() as target:
        target.answer = answerer_from_rows(1, storage.storing_answerer(storing_answer))

        report = await proven(a_plan(target, way(storage)))

        assert report.refusal is Refusal.MARKER_MISSING
        assert report.read_back is not None
        assert evidence in read_back_conclusion(report.read_back).message
        assert f"Read back   {read_back_conclusion(report.read_back).message}" in checklist(target.url, report)


async def test_a_refusal_that_left_no_row_says_so() -> None:
    async with running_storage() as storage, running_target(answerer_from_rows(1, storing_answer)) as target:
        report = await proven(a_plan(target, counting(storage)))

        assert report.refusal is Refusal.MARKER_MISSING
        assert report.read_back is not None
        conclusion = read_back_conclusion(report.read_back)
        assert conclusion.result is ReadBackResult.UNFINISHED
        assert "found no stored row: 1 row before the first upload, 1 row after the refusal" in conclusion.message


async def test_a_target_that_is_refused_before_any_row_was_sent_is_not_asked_again() -> None:
    async with running_storage() as storage, running_target(status_answerer(401)) as target:
        report = await proven(a_plan(target, counting(storage)))

        assert report.refusal is Refusal.UNAUTHORIZED
        assert len(storage.requests) == 1


async def test_a_read_back_that_fails_is_not_asked_again_before_each_address_if_less_is_required() -> None:
    async with running_storage() as storage, running_target() as target:
        storage.answer = lambda _: web.Response(status=403)

        report = await proven(a_plan(target, counting(storage), require="Acknowledged"))

        assert report.is_proven
        assert len(storage.requests) == 2


async def test_a_reading_of_one_moment_is_compared_with_the_one_before_and_then_kept_beside_it_alone() -> None:
    async with running_storage() as storage:
        plan = make_plan(f"http://{storage.address}/upload/")
        read_back = ReadBack(counting(storage), make_fetch(plan), no_token)
        results = []
        for stored in (5, 4, 3, 3, 2, 3):
            storage.answer = lambda _, stored=stored: web.json_response({"count": stored})  # type: ignore[misc]
            await read_back.read(ReadingMoment.FIRST_ROWS, ())
            results.append(read_back_conclusion(read_back.report).result)

        assert [reading.rows for reading in read_back.report.readings] == [2, 3]
        assert results[-2:] == [ReadBackResult.UNSTEADY, ReadBackResult.STORED]


@pytest.mark.parametrize("way", [looking_up, finding_rows])
async def test_a_look_up_names_the_canary_that_it_found(way: Way) -> None:
    async with running_storage() as storage, running_target(storage.storing_answerer()) as target:
        report = await proven(a_plan(target, way(storage)))

        (canary,) = report.canary_ids
        assert f"client_id {canary}" in report.message


async def by_sku(target: HttpTarget, storage: Storage) -> VerificationReport:
    plan = make_plan(target.url, records=PRODUCTS)
    url = storage.look_up_url.replace("{client_id}", "{sku%20code}")
    read_back = read_back_plan(url, plan.records, countPath="count", control={"value": KNOWN})
    return await concluded_or_refused(msgspec.structs.replace(plan, read_back=read_back, require="Proven"))


async def concluded_or_refused(plan: Plan) -> VerificationReport:
    prover = a_prover(plan)
    report = await prover.prove(full_rows=FULL)
    await prover.conclude()
    assert prover.report is not None
    return prover.report if report.is_proven else report


async def test_rows_without_a_client_id_are_looked_up_by_another_unique_column() -> None:
    async with running_storage() as storage, running_target() as target:
        report = await by_sku(target, storage)

        assert report.reached_level is ProofLevel.PROVEN
        looked_up = {request.query["client_id"] for request in storage.requests} - {KNOWN}
        assert looked_up == {upload.client_ids[0] for upload in target.uploads if upload.rows}


async def test_a_lie_about_rows_without_a_client_id_names_the_row_by_the_column_of_the_look_up() -> None:
    async with running_storage() as storage, running_target(storage.storing_answerer()) as target:
        report = await by_sku(target, storage)

        assert report.refusal is Refusal.STORED
        assert f"sku code {target.uploads[1].client_ids[0]}" in report.message
        assert "begins with" not in report.message


async def test_a_count_that_rises_says_what_finds_all_rows_of_the_run() -> None:
    async with running_storage() as storage, running_target(storage.storing_answerer()) as target:
        plan = a_plan(target, counting(storage))

        report = await proven(plan)

        beginning = run_prefix(plan.records.run_tag)
        assert f"client_id begins with {beginning} in every row of this run" in report.message
        assert all(each.startswith(beginning) for each in storage.ids - {KNOWN})


async def test_a_lie_about_full_batches_only_is_found_by_looking_up_their_first_row() -> None:
    async with running_storage() as storage, running_target() as target:
        target.answer = answerer_from_rows(FULL, storage.storing_answerer())

        report = await proven(a_plan(target, looking_up(storage)))

        assert report.refusal is Refusal.STORED
        assert target.uploads[-1].client_ids[0] in report.message


@pytest.mark.parametrize("way", WAYS)
async def test_rows_stored_by_the_load_are_found_after_it(way: Way) -> None:
    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, way(storage))
        prover = a_prover(plan)
        await prover.prove(full_rows=FULL)
        target.answer = storage.storing_answerer()
        async with prover._uploader.open_client(FULL) as client:
            endpoint = parse_endpoint(f"127.0.0.1:{target.port}")
            await prover._uploader.upload(client, endpoint, FULL, UploadProgress())

        await prover.conclude()

        assert prover.report is not None
        assert shown(prover.report) is ReadBackResult.STORED


async def test_rows_that_are_stored_late_are_found_when_the_target_has_settled() -> None:
    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, counting(storage))
        prover = a_prover(plan)
        await prover.prove(full_rows=FULL)
        asked = len(storage.requests)

        def store_after_the_first_look(_: web.Request) -> None:
            storage.ids.add("LATE")

        storage.answer = store_after_the_first_look
        await prover.conclude()

        assert prover.report is not None
        assert shown(prover.report) is ReadBackResult.STORED
        assert len(storage.requests) == asked + 2


@pytest.mark.parametrize("way", [looking_up, finding_rows])
async def test_a_control_that_is_not_found_refuses_the_target_before_anything_is_sent(way: Way) -> None:
    async with running_storage() as storage, running_target() as target:
        storage.ids.clear()

        report = await proven(a_plan(target, way(storage)))

        assert report.refusal is Refusal.READ_BACK_CONTROL
        assert KNOWN in report.message
        assert target.uploads == []


async def test_a_count_of_nothing_is_no_control() -> None:
    async with running_storage() as storage, running_target() as target:
        storage.ids.clear()

        report = await proven(a_plan(target, counting(storage)))

        assert report.refusal is Refusal.READ_BACK_CONTROL
        assert "count of 0" in report.message
        assert target.uploads == []


async def test_a_filtered_count_of_nothing_stands_beside_a_control_of_its_own() -> None:
    async with running_storage() as storage, running_target() as target:
        filtered = read_back_plan(
            storage.look_up_url.replace("{client_id}", "none"),
            countPath="count",
            control={"url": storage.count_url},
        )

        report = await concluded(a_plan(target, filtered))

        assert report.reached_level is ProofLevel.PROVEN


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda _: web.Response(status=403, text="no"), "answered 403: no"),
        (lambda _: web.Response(status=302, headers={"Location": "/login/"}), "answered 302"),
        (lambda _: web.Response(status=404), "answered 404"),
        (lambda _: web.Response(text="<html>"), "not JSON"),
        (lambda _: web.json_response({"total": 3}), "count is absent"),
        (lambda _: web.json_response({"count": "3"}), "neither a count nor a list"),
        (lambda _: web.json_response({"count": True}), "neither a count nor a list"),
        (lambda _: web.json_response({"count": 3}, headers={"Age": "7"}), "from a cache (Age: 7)"),
        (lambda _: web.Response(body=b"x" * (5 << 20)), "longer than"),
    ],
)
async def test_an_answer_that_shows_nothing_refuses_the_target_before_anything_is_sent(
    answer: Callable[[web.Request], web.StreamResponse], told: str
) -> None:
    async with running_storage() as storage, running_target() as target:
        storage.answer = answer

        report = await proven(a_plan(target, counting(storage, timeout="1s")))

        assert report.refusal is Refusal.READ_BACK
        assert told in report.message
        assert target.uploads == []


async def test_what_fails_for_a_moment_is_tried_again() -> None:
    async with running_storage() as storage, running_target() as target:
        storage.answer = lambda _: web.Response(status=503) if len(storage.requests) == 1 else None

        report = await concluded(a_plan(target, counting(storage, timeout="10s")))

        assert report.reached_level is ProofLevel.PROVEN


async def test_a_reading_that_fails_at_the_end_leaves_the_target_unproven() -> None:
    async with running_storage() as storage, running_target() as target:
        prover = a_prover(a_plan(target, counting(storage, timeout="1s")))
        await prover.prove(full_rows=FULL)
        storage.answer = lambda _: web.Response(status=500)

        await prover.conclude()

        assert prover.report is not None
        assert prover.report.reached_level is ProofLevel.ECHOED
        assert shown(prover.report) is ReadBackResult.FAILED


async def test_where_less_is_required_a_failing_read_back_refuses_nobody() -> None:
    async with running_storage() as storage, running_target() as target:
        storage.answer = lambda _: web.Response(status=403)

        report = await concluded(a_plan(target, counting(storage), require="Acknowledged"))

        assert report.reached_level is ProofLevel.ECHOED
        assert shown(report) is ReadBackResult.FAILED


async def test_the_address_policy_holds_for_the_read_back_too() -> None:
    async with running_storage(host="127.0.0.3") as storage, running_target() as target:
        policy = AddressPolicy(denied=("127.0.0.3/32",))

        report = await proven(a_plan(target, counting(storage, timeout="1s"), network=policy))

        assert report.refusal is Refusal.READ_BACK
        assert "not allowed" in report.message
        assert storage.requests == []


@pytest.mark.parametrize(("auth", "sent"), [("Target", "Bearer s3cret"), ("None", None)])
async def test_the_targets_token_is_sent_unless_the_spec_says_none(tmp_path: Path, auth: str, sent: str | None) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("s3cret")
    key_file = tmp_path / "key"
    key_file.write_text("s3cret")
    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, counting(storage, auth=auth, headers={"X-Tenant": "t1"}))
        token, key = SecretPlace(file=str(token_file)), SecretPlace(file=str(key_file))
        with_secrets = msgspec.structs.replace(plan.target, token=token, secret_headers={"Load-Test-Token": key})
        plan = msgspec.structs.replace(plan, target=with_secrets)

        await concluded(plan)

        assert {request.headers.get("Authorization") for request in storage.requests} == {sent}
        assert {request.headers.get("Load-Test-Token") for request in storage.requests} == {sent and "s3cret"}
        assert {request.headers["X-Tenant"] for request in storage.requests} == {"t1"}
        assert {request.headers["Cache-Control"] for request in storage.requests} == {"no-cache"}
        assert all("X-Load-Test" not in request.headers for request in storage.requests)


async def test_the_targets_own_host_is_asked_with_the_targets_host_header() -> None:
    async with running_storage() as storage:
        plan = make_plan(f"http://{storage.address}/upload/", target={"host": "django.example"})
        read_back = ReadBack(counting(storage), make_fetch(plan), no_token)

        await read_back.read(ReadingMoment.BEFORE, ())

        assert read_back.report.readings[0].rows == 1
        assert {request.headers["Host"] for request in storage.requests} == {"django.example"}


async def no_token() -> dict[str, str]:
    return {}


async def test_a_look_up_at_a_wrong_path_proves_nothing_where_the_control_is_found_at_another_url() -> None:
    async with running_storage() as storage:
        wrong = f"http://{storage.address}/no/such/path/{{client_id}}"
        plan = read_back_plan(wrong, countPath="count", control={"url": storage.count_url})
        storage.ids.add(KNOWN)
        read_back = ReadBack(plan, make_fetch(make_plan("http://127.0.0.1:1/upload/")), no_token)

        await read_back.read(ReadingMoment.VERIFIED, ("C1",))

        assert "no control shows that this means absent" in read_back.report.readings[0].problem
        assert read_back_conclusion(read_back.report).result is ReadBackResult.FAILED


async def test_a_storage_that_repeats_the_token_does_not_make_it_known() -> None:
    async def refuse(_url: str, headers: Mapping[str, str], _timeout_seconds: float) -> FetchedAnswer:
        return FetchedAnswer(403, f"{'no ' * 55}{headers['Authorization']} is not allowed".encode())

    async def token() -> dict[str, str]:
        return {"Authorization": "Bearer s3cret-of-some-length-and-more-than-fits"}

    read_back = ReadBack(read_back_plan("http://127.0.0.1:1/count", countPath="count"), refuse, token)
    await read_back.read(ReadingMoment.BEFORE, ())

    (reading,) = read_back.report.readings
    assert "answered 403: no no" in reading.problem
    assert "s3c" not in reading.problem


@pytest.mark.parametrize(
    ("authorization", "status", "message", "cause"),
    [
        ("LoadTest wrong", 403, "the token is not valid", Cause.TOKEN_REFUSED),
        ("LoadTest old", 403, "the token has expired", Cause.TOKEN_EXPIRED),
        ("Bearer some", 403, "a load test needs a token: send the one of `manage.py`", Cause.TOKEN_SCHEME),
        (None, 401, "", Cause.TOKEN_MISSING),
        ("Bearer some", 403, "not from this network", Cause.READ_BACK_FAILED),
        ("Bearer some", 500, "invalid token", Cause.READ_BACK_FAILED),
    ],
)
async def test_a_storage_that_does_not_take_the_token_refuses_the_target_for_the_token(
    authorization: str | None, status: int, message: str, cause: Cause
) -> None:
    async def refuse(_url: str, _headers: Mapping[str, str], _timeout_seconds: float) -> FetchedAnswer:
        return FetchedAnswer(status, msgspec.json.encode({"message": message}))

    async def token() -> dict[str, str]:
        return {} if authorization is None else {"Authorization": authorization}

    plan = read_back_plan("http://127.0.0.1:1/count", countPath="count", timeout="100ms")
    refusal = await StorageReadings(ReadBack(plan, refuse, token), must_prove=True).read_before()

    assert refusal is not None
    assert (refusal.refusal, refusal.cause) == (Refusal.READ_BACK, cause)
    assert refusal.hint == explanation_of(cause).next_step
    assert message in refusal.message


async def test_a_client_id_is_written_into_the_url_as_it_must_be() -> None:
    async with running_storage() as storage:
        plan = make_plan("http://127.0.0.1:1/upload/")
        read_back = ReadBack(looking_up(storage), make_fetch(plan), no_token)
        storage.ids.add("A&B /?é")

        await read_back.read(ReadingMoment.VERIFIED, ("A&B /?é", "A"))

        assert read_back.report.readings[0].found == ("A&B /?é",)


async def test_a_target_that_no_load_follows_for_is_proven_at_once() -> None:
    async with running_storage() as storage, running_target() as target:
        report = await a_prover(a_plan(target, looking_up(storage))).prove_alone(full_rows=FULL)

        assert report.reached_level is ProofLevel.PROVEN


async def test_a_target_that_no_load_follows_for_is_refused_for_what_shows_late() -> None:
    async with running_storage() as storage, running_target() as target:
        prover = a_prover(a_plan(target, counting(storage), require="Acknowledged"))
        # Five readings are made until the last answer is in; a task may store still later.
        storage.answer = lambda _: web.json_response({"count": 1 if len(storage.requests) < 6 else 2})

        report = await prover.prove_alone(full_rows=FULL)

        assert report.refusal is Refusal.STORED
        assert not report.is_proven


async def hang(_: ReceivedUpload) -> Answer:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_pod_reads_back_when_it_is_told_that_every_load_is_over(tmp_path: Path) -> None:
    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, counting(storage), duration_seconds=0.5)
        async with pod_process(plan, tmp_path) as pod:
            await start_fleet((pod,))
            loaded = await pod.until_state(PodState.LOADED)
            asked = len(storage.requests)

            assert (await pod.command(Verb.CONCLUDE))[0] == 200
            assert (await pod.command(Verb.CONCLUDE))[0] == 200
            final = await pod.until_final()
            await pod.ack(final.sequence)

            assert await pod.until_exited() == PodExit.DONE
            assert not loaded.final
            assert len(storage.requests) == asked + 2
            assert final.state is PodState.DONE
            assert final.elapsed_seconds == loaded.elapsed_seconds
            assert final.verification is not None
            assert final.verification.reached_level is ProofLevel.PROVEN
            word = pod.last_word().verification
            assert word is not None
            assert word.reached_level is ProofLevel.PROVEN


async def test_a_pod_without_a_word_from_the_operator_reads_back_when_the_plan_says_every_load_is_over(
    tmp_path: Path,
) -> None:
    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, counting(storage), duration_seconds=0.5, target={"timeout": "1s"})
        async with pod_process(plan, tmp_path) as pod:
            await start_fleet((pod,))

            final = await pod.until_final()

            assert final.verification is not None
            assert final.verification.reached_level is ProofLevel.PROVEN


async def test_only_the_first_pod_reads_back(tmp_path: Path) -> None:
    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, counting(storage), duration_seconds=0.5, virtual_users=2, parallelism=2)
        async with pod_process(plan, tmp_path) as first, pod_process(plan, tmp_path, 1) as second:
            await start_fleet((first, second))

            await first.until_state(PodState.LOADED)
            final = await second.until_final()

            assert final.state is PodState.DONE
            assert final.verification is not None
            assert final.verification.read_back is None


async def test_a_pod_that_is_halted_while_it_waits_to_read_back_ends_at_once(tmp_path: Path) -> None:
    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, counting(storage), duration_seconds=0.5)
        async with pod_process(plan, tmp_path) as pod:
            await start_fleet((pod,))
            await pod.until_state(PodState.LOADED)

            await pod.command(Verb.HALT, b'{"reason": "PodLost", "message": "pod 1 was lost"}')
            final = await pod.until_final()

            assert (final.state, final.halt_reason) == (PodState.HALTED, HaltReason.OPERATOR)
            assert final.verification is not None
            assert final.verification.reached_level is ProofLevel.ECHOED


async def test_a_pod_whose_load_is_halted_by_a_violation_reads_how_many_rows_are_stored(tmp_path: Path) -> None:
    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, counting(storage), duration_seconds=30)
        async with pod_process(plan, tmp_path) as pod:
            await start_fleet((pod,))
            target.answer = storage.storing_answerer(storing_answer)
            final = await pod.until_final()

            assert final.violation is not None
            assert final.verification is not None
            assert final.verification.read_back is not None
            (*_, last) = final.verification.read_back.readings
            assert (last.moment, last.rows) == (ReadingMoment.HALTED, len(storage.ids))
            assert shown(final.verification) is ReadBackResult.STORED
            await pod.ack(final.sequence)
            await pod.until_exited()
            word = pod.last_word().verification
            assert word is not None
            assert shown(word) is ReadBackResult.STORED


async def test_what_the_target_still_stores_of_uploads_that_were_cut_is_counted(tmp_path: Path) -> None:
    def store_late(received: ReceivedUpload) -> Answer:
        # The connection is cut by then, and the target goes on with what it has received.
        asyncio.get_running_loop().call_later(0.6, storage.ids.update, received.client_ids)
        return storing_answer(received)

    async with running_storage() as storage, running_target() as target:
        plan = a_plan(target, counting(storage), duration_seconds=30)
        async with pod_process(plan, tmp_path) as pod:
            await start_fleet((pod,))
            target.answer = store_late
            final = await pod.until_final()

            assert final.verification is not None
            assert final.verification.read_back is not None
            assert shown(final.verification) is ReadBackResult.STORED
            (*_, last) = final.verification.read_back.readings
            assert len(storage.ids) > 1
            assert (last.moment, last.rows) == (ReadingMoment.HALTED, len(storage.ids))


@pytest.mark.parametrize("end", [Verb.HALT, Verb.STOP])
async def test_a_verification_that_is_cut_off_names_the_canary_that_was_under_way(tmp_path: Path, end: Verb) -> None:
    async with running_target() as target:
        target.answer = lambda received: hang(received) if received.rows == 1 else honouring_answer(received)
        async with pod_process(make_plan(target.url), tmp_path) as pod:
            await pod.command(Verb.VERIFY)
            while not target.rows:  # noqa: ASYNC110 - the target runs in this loop
                await asyncio.sleep(0.01)

            await pod.command(end, b'{"reason": "Stopped"}' if end is Verb.HALT else None)
            final = await pod.until_final()

            canary = target.uploads[-1].client_ids[0]
            assert f"The canary with client_id {canary} may be stored" in final.message
            assert final.verification is not None
            assert final.verification.canary_ids == (canary,)
            assert final.verification.refusal is None
            assert not final.verification.is_proven


async def test_a_verification_that_takes_too_long_names_the_canary_that_was_under_way() -> None:
    async with running_target() as target:
        target.answer = lambda received: hang(received) if received.rows == 1 else honouring_answer(received)
        plan = make_plan(target.url)
        deadlines = msgspec.structs.replace(plan.deadlines, verification_seconds=1.0)

        report = await a_prover(msgspec.structs.replace(plan, deadlines=deadlines)).prove(full_rows=FULL)

        canary = target.uploads[-1].client_ids[0]
        assert report.refusal is Refusal.TIMEOUT
        assert report.canary_ids == (canary,)
        assert f"The canary with client_id {canary} may be stored" in report.message
        assert (report.uploads, report.rows) == (2, 1)
        assert [check.name for check in report.checks] == ["connect", "header-only"]
