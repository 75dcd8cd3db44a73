"""The proof before any load: its order, what it costs a target that breaks its promise, and every refusal."""

import asyncio
import base64
import itertools
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from msgspec import structs

from http_target import (
    PATH,
    Answer,
    Answerer,
    ReceivedUpload,
    answerer_from_rows,
    honouring_answer,
    running_target,
    status_answerer,
    storing_answer,
)
from loadgen.http.address_rules import AddressRules
from loadgen.http.endpoints import Endpoint
from loadgen.http.transport import open_client
from loadgen.proof.proving import Prover
from loadgen.proof.verification import Verifier
from loadgen.proof.violations import first_violation
from loadgen.records.space import run_prefix
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import make_uploader
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import ProofLevel, Refusal, VerificationReport
from loadtest_model.plan import AddressPolicy, Deadlines, Plan
from loadtest_model.plan.records import plan_records
from loadtest_model.spec.records import Fields, Records
from loadtest_model.spec.target import Format
from raw_target import read_request, running_raw_target
from support.loadgen_plans import make_plan
from support.local_runs import command, environment

FULL = 50


async def proven(plan: Plan, *, full_rows: int | None = FULL, book: AddressBook | None = None) -> VerificationReport:
    numbers = itertools.count()
    uploader = make_uploader(plan, 0, lambda: f"nonce-{next(numbers)}")
    return await Prover(plan, uploader, book or AddressBook()).prove(full_rows=full_rows)


async def test_the_uploads_come_in_order_and_each_has_a_nonce_of_its_own() -> None:
    async with running_target() as target:
        report = await proven(make_plan(target.url))

        assert [received.rows for received in target.uploads] == [0, 1, 5, FULL]
        assert [check.name for check in report.checks] == [
            "connect",
            "header-only",
            "canary",
            "few-rows",
            "full-batch",
        ]
        assert all(check.passed for check in report.checks)
        assert len({received.headers["X-Load-Test-Nonce"] for received in target.uploads}) == 4
        assert {received.headers["X-Load-Test"] for received in target.uploads} == {"true"}


async def test_a_proven_target_is_reported_with_what_was_sent() -> None:
    async with running_target() as target:
        book = AddressBook()

        report = await proven(make_plan(target.url), book=book)

        assert report.is_proven
        assert (report.uploads, report.rows) == (4, 56)
        assert report.canary_ids == target.uploads[1].client_ids
        assert report.addresses == (f"127.0.0.1:{target.port}",)
        assert str(book.next()) == f"127.0.0.1:{target.port}"


async def test_without_a_full_size_batch_the_few_rows_are_the_last() -> None:
    async with running_target() as target:
        report = await proven(make_plan(target.url), full_rows=None)

        assert report.is_proven
        assert [received.rows for received in target.uploads] == [0, 1, 5]


async def test_the_form_is_as_the_plan_says() -> None:
    async with running_target() as target:
        fields = {"fileField": "upload", "fileName": "c-{n}.csv", "formFields": {"source": "test"}}
        await proven(make_plan(target.url, target={**fields, "headers": {"X-Tenant": "t1"}}))

        assert [received.file_name for received in target.uploads] == ["c-0.csv", "c-1.csv", "c-2.csv", "c-3.csv"]
        assert {received.file_type for received in target.uploads} == {"text/csv"}
        assert all(received.fields == {"source": "test"} for received in target.uploads)
        assert all(received.headers["X-Tenant"] == "t1" for received in target.uploads)


async def test_every_file_of_the_verification_is_in_the_format_of_the_run() -> None:
    async with running_target() as target:
        report = await proven(make_plan(target.url, target={"format": "xlsx"}))

        assert report.is_proven
        assert [received.rows for received in target.uploads] == [0, 1, 5, FULL]
        assert {received.file_type for received in target.uploads} == {
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        }
        assert [received.file_name for received in target.uploads] == [f"clients-{n}.xlsx" for n in range(4)]


async def test_a_rejected_empty_file_is_no_refusal() -> None:
    def strict(received: ReceivedUpload) -> web.StreamResponse:
        return web.Response(status=400, text="no rows") if received.rows == 0 else honouring_answer(received)

    async with running_target(strict) as target:
        report = await proven(make_plan(target.url))

        assert report.is_proven
        assert report.checks[1].status == 400


async def test_an_echoed_nonce_reaches_the_level_echoed() -> None:
    async with running_target() as target:
        assert (await proven(make_plan(target.url))).level is ProofLevel.ECHOED


async def test_without_an_echo_the_level_is_acknowledged() -> None:
    async with running_target(lambda received: honouring_answer(received, load_test_nonce=None)) as target:
        report = await proven(make_plan(target.url))

        assert report.is_proven
        assert report.level is ProofLevel.ACKNOWLEDGED


async def test_a_missing_echo_refuses_where_it_is_required() -> None:
    async with running_target(lambda received: honouring_answer(received, load_test_nonce="an old one")) as target:
        report = await proven(make_plan(target.url, require="Echoed"))

        assert report.refusal is Refusal.NOT_ECHOED
        assert len(target.uploads) == 1


async def test_a_target_that_ignores_the_header_is_refused_before_any_row() -> None:
    async with running_target(storing_answer) as target:
        report = await proven(make_plan(target.url))

        assert report.refusal is Refusal.MARKER_MISSING
        assert report.level is ProofLevel.NONE
        assert target.rows == 0
        assert "X-Load-Test" in report.hint


async def test_a_target_that_ignores_the_header_but_rejects_empty_files_costs_the_canary_and_names_it() -> None:
    def careless(received: ReceivedUpload) -> web.StreamResponse:
        return web.Response(status=400) if received.rows == 0 else storing_answer(received)

    async with running_target(careless) as target:
        report = await proven(make_plan(target.url))

        assert report.refusal is Refusal.MARKER_MISSING
        assert target.rows == 1
        canary = target.uploads[1].client_ids[0]
        assert report.canary_ids == (canary,)
        assert f"The canary with client_id {canary} may be stored; remove it" in report.message


async def test_rows_that_may_be_stored_are_named_by_the_file_s_own_column_and_found_by_the_beginning_of_their_ids() -> (
    None
):
    async with running_target(answerer_from_rows(FULL, storing_answer)) as target:
        plan = make_plan(target.url)
        fields = Fields(rename={"client_id": "sku_code"})
        records = plan_records(Records(fields=fields), Format.CSV, seed=1, run_tag=plan.records.run_tag)

        report = await proven(structs.replace(plan, records=records))

        ids = target.uploads[-1].client_ids
        beginning = run_prefix(plan.records.run_tag)
        assert report.id_column == "sku_code"
        assert f"the first with sku_code {ids[0]}; remove them (sku_code begins with {beginning}" in report.message
        assert all(each.startswith(beginning) for each in ids)


async def test_a_marker_lost_with_more_rows_names_the_rows_that_may_be_stored() -> None:
    async with running_target(answerer_from_rows(FULL, storing_answer)) as target:
        report = await proven(make_plan(target.url))

        assert report.refusal is Refusal.MARKER_MISSING
        first = target.uploads[-1].client_ids[0]
        assert f"These {FULL} rows may be stored, the first with client_id {first}" in report.message


@pytest.mark.parametrize(
    ("answerer", "refusal"),
    [
        (status_answerer(301, Location="/elsewhere/"), Refusal.REDIRECT),
        (status_answerer(302, Location="/login/"), Refusal.REDIRECT),
        (status_answerer(401), Refusal.UNAUTHORIZED),
        (status_answerer(403), Refusal.FORBIDDEN),
        (status_answerer(404), Refusal.NOT_FOUND),
        (status_answerer(413), Refusal.TOO_LARGE),
        (status_answerer(429), Refusal.REJECTED),
        (status_answerer(500), Refusal.SERVER_ERROR),
        (status_answerer(503), Refusal.SERVER_ERROR),
        (lambda received: honouring_answer(received, load_test_mode=False), Refusal.MARKER_FALSE),
        (lambda received: honouring_answer(received, load_test_mode=None), Refusal.MARKER_MISSING),
        (lambda received: honouring_answer(received, processed_count=received.rows + 1), Refusal.MISCOUNTED),
        (lambda received: honouring_answer(received, processed_count=None), Refusal.MISCOUNTED),
        (lambda _: web.Response(text="<html>Thank you</html>"), Refusal.MARKER_MISSING),
    ],
)
async def test_each_doubt_about_an_empty_file_refuses_the_target_with_no_row_sent(
    answerer: Answerer, refusal: Refusal
) -> None:
    async with running_target(answerer) as target:
        report = await proven(make_plan(target.url))

        assert report.refusal is refusal
        assert report.hint
        assert f"127.0.0.1:{target.port} (header-only" in report.message
        assert len(target.uploads) == 1
        assert target.rows == 0
        assert report.canary_ids == ()


@pytest.mark.parametrize(
    ("answerer", "refusal"),
    [
        (status_answerer(400), Refusal.REJECTED),
        (lambda received: honouring_answer(received, success=False), Refusal.REJECTED),
        (lambda received: honouring_answer(received, processed_count=0), Refusal.MISCOUNTED),
        (status_answerer(500), Refusal.SERVER_ERROR),
    ],
)
async def test_each_doubt_about_the_canary_ends_the_verification_there(answerer: Answerer, refusal: Refusal) -> None:
    async with running_target(answerer_from_rows(1, answerer)) as target:
        report = await proven(make_plan(target.url))

        assert report.refusal is refusal
        assert target.rows == 1


async def test_a_body_limit_is_found_by_the_full_size_batch() -> None:
    async with running_target(answerer_from_rows(FULL, status_answerer(413))) as target:
        report = await proven(make_plan(target.url))

        assert report.refusal is Refusal.TOO_LARGE
        assert "batchSize" in report.hint
        assert "may be stored" not in report.message


async def test_the_message_quotes_the_answer_in_one_printable_line() -> None:
    async with running_target(
        lambda _: web.Response(status=500, text="line one\nline two\x1b[31m" + "x" * 1000)
    ) as target:
        report = await proven(make_plan(target.url))

        assert "answered 500: line one line two" in report.message
        assert report.message.isprintable()
        assert len(report.message) < 450


@pytest.mark.usefixtures("patience_seconds")
async def test_a_refused_connection_is_named() -> None:
    async with running_target() as target:
        url = target.url

    report = await proven(make_plan(url))

    assert report.refusal is Refusal.REFUSED
    assert [(check.name, check.passed) for check in report.checks] == [("connect", False)]
    assert (report.uploads, report.rows) == (0, 0)


async def test_a_name_that_does_not_resolve_is_named() -> None:
    report = await proven(make_plan("http://nothing.invalid/u/"))

    assert report.refusal is Refusal.DNS
    assert "nothing.invalid" in report.message


async def test_a_denied_address_is_not_connected_to() -> None:
    async with running_target() as target:
        policy = AddressPolicy(denied=("127.0.0.0/8",))
        by_address = await proven(make_plan(target.url, network=policy))
        by_name = await proven(make_plan(target.url.replace("127.0.0.1", "localhost"), network=policy))
        by_endpoint = await proven(
            make_plan("http://django.shop.svc/u/", addresses=(f"127.0.0.1:{target.port}",), network=policy)
        )

        assert by_address.refusal is by_name.refusal is by_endpoint.refusal is Refusal.ADDRESS_DENIED
        assert "127.0.0.1" in by_address.message
        assert target.uploads == []


async def test_one_denied_address_among_others_refuses_the_target_before_anything_is_sent() -> None:
    async with running_target() as target:
        plan = make_plan(
            "http://django.shop.svc/u/",
            addresses=(f"127.0.0.1:{target.port}", "169.254.169.254:80"),
            network=AddressPolicy(denied=("169.254.0.0/16",)),
        )

        report = await proven(plan)

        assert report.refusal is Refusal.ADDRESS_DENIED
        assert "169.254.169.254:80" in report.message
        assert target.uploads == []


async def test_a_target_that_does_not_answer_is_refused_in_time() -> None:
    async def hang(_: ReceivedUpload) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with running_target(hang) as target:
        report = await proven(make_plan(target.url, target={"timeout": "1s"}))

        assert report.refusal is Refusal.TIMEOUT
        assert "spec.target.timeout" in report.hint


async def test_the_whole_verification_is_bounded() -> None:
    async def slow(received: ReceivedUpload) -> web.StreamResponse:
        await asyncio.sleep(0.2)
        return honouring_answer(received)

    async with running_target(slow) as target:
        report = await proven(make_plan(target.url, deadlines=Deadlines(verification_seconds=0.5)))

        assert report.refusal is Refusal.TIMEOUT
        assert "0.5 s" in report.message


async def test_a_reset_is_a_refusal() -> None:
    async def leave(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await read_request(reader)

    async with running_raw_target(leave) as address:
        report = await proven(make_plan(f"http://{address}{PATH}"))

        assert report.refusal is Refusal.RESET


async def test_what_speaks_no_http_is_a_refusal() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()

    async with running_raw_target(babble) as address:
        report = await proven(make_plan(f"http://{address}{PATH}"))

        assert report.refusal is Refusal.BAD_ANSWER


async def test_a_port_without_tls_is_a_refusal() -> None:
    async with running_target() as target:
        report = await proven(make_plan(target.url.replace("http", "https")))

        assert report.refusal is Refusal.TLS


@pytest.mark.parametrize(
    ("left_seconds", "refusal", "told"),
    [
        (-60, Refusal.EXPIRING, "the token expired "),
        (30, Refusal.EXPIRING, "the load lasts 60 s and may begin up to 60 s from now"),
        (110, Refusal.EXPIRING, "the load lasts 60 s and may begin up to 60 s from now"),
        (130, None, ""),
    ],
)
async def test_a_token_that_ends_before_the_load_is_refused_before_any_row_is_sent(
    tmp_path: Path, left_seconds: int, refusal: Refusal | None, told: str
) -> None:
    token_file, now = tmp_path / "token", time.time()
    claims = base64.urlsafe_b64encode(json.dumps({"exp": now + left_seconds}).encode()).decode().rstrip("=")
    token_file.write_text(f"e30.{claims}.signature")
    async with running_target() as target:
        plan = make_plan(target.url, token_file=str(token_file), duration_seconds=60)
        uploader = make_uploader(plan, 0, lambda: "nonce")

        report = await Prover(plan, uploader, AddressBook()).prove(full_rows=None)

        assert report.refusal is refusal
        assert told in report.message
        assert bool(target.rows) == (refusal is None)


async def test_the_token_is_sent_and_a_missing_one_is_a_refusal(tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("s3cret\n")
    async with running_target() as target:
        report = await proven(make_plan(target.url, token_file=str(token_file)))
        missing = await proven(make_plan(target.url, token_file=str(tmp_path / "none")))

        assert report.is_proven
        assert {received.headers["Authorization"] for received in target.uploads} == {"Bearer s3cret"}
        assert missing.refusal is Refusal.UNAUTHORIZED
        assert "none" in missing.message
        assert len(target.uploads) == 4


async def test_every_endpoint_is_verified_with_the_original_host() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        addresses = (f"127.0.0.1:{one.port}", f"127.0.0.2:{two.port}")

        report = await proven(make_plan(f"http://django.shop.svc:8000{PATH}", addresses=addresses))

        assert report.is_proven
        assert report.addresses == addresses
        assert [received.rows for received in one.uploads] == [0, 1, 5, FULL]
        assert [received.rows for received in two.uploads] == [0, 1, 5]
        assert {each.headers["Host"] for each in one.uploads + two.uploads} == {"django.shop.svc:8000"}
        assert len(report.canary_ids) == 2


async def test_one_endpoint_that_ignores_the_header_refuses_them_all() -> None:
    async with running_target() as one, running_target(storing_answer, host="127.0.0.2") as two:
        addresses = (f"127.0.0.1:{one.port}", f"127.0.0.2:{two.port}")

        report = await proven(make_plan(f"http://django.shop.svc:8000{PATH}", addresses=addresses))

        assert report.refusal is Refusal.MARKER_MISSING
        assert f"127.0.0.2:{two.port}" in report.message
        assert report.addresses == ("127.0.0.1:" + str(one.port),)
        assert one.rows + two.rows == 6


@pytest.mark.usefixtures("patience_seconds")
async def test_an_endpoint_that_refuses_the_connection_refuses_the_target() -> None:
    async with running_target() as one:
        addresses = (f"127.0.0.1:{one.port}", f"127.0.0.2:{one.port}")

        report = await proven(make_plan(f"http://django.shop.svc:8000{PATH}", addresses=addresses))

        assert report.refusal is Refusal.REFUSED


async def verified_as_a_name(plan: Plan, endpoints: tuple[Endpoint, ...]) -> VerificationReport:
    """Verify addresses as those that a name resolved to, where one that refuses the connection may be spared."""
    async with open_client(AddressRules(), keep_alive=False) as client:
        verifier = Verifier(make_uploader(plan, 0, lambda: "nonce"), client)
        return await verifier.verify(endpoints, full_rows=FULL, spare_unreachable=True)


async def test_a_name_with_an_address_that_nobody_listens_on_is_proven_by_the_others() -> None:
    async with running_target() as target:
        endpoints = (Endpoint("127.0.0.2", target.port), Endpoint("127.0.0.1", target.port))

        report = await verified_as_a_name(make_plan(target.url), endpoints)

        assert report.is_proven
        assert report.addresses == (f"127.0.0.1:{target.port}",)
        assert [check.passed for check in report.checks if check.name == "connect"] == [False, True]


async def test_a_name_whose_addresses_all_refuse_the_connection_is_refused() -> None:
    async with running_target() as target:
        endpoints = (Endpoint("127.0.0.2", target.port), Endpoint("127.0.0.3", target.port))

        report = await verified_as_a_name(make_plan(target.url), endpoints)

        assert report.refusal is Refusal.REFUSED
        assert "127.0.0.2" in report.message
        assert "127.0.0.3" in report.message
        assert target.uploads == []


class Names:
    """A resolver whose answer the test changes. `asked` counts how often it was asked."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.endpoints = endpoints
        self.asked = 0

    async def resolve(self, _host: str, _port: int) -> tuple[Endpoint, ...]:
        self.asked += 1
        return self.endpoints

    async def asked_again(self) -> None:
        """Return when two more answers were given, so that the first of them was acted upon."""
        before = self.asked
        async with asyncio.timeout(10):
            while self.asked < before + 2:  # noqa: ASYNC110 - the resolver is called from the code under test
                await asyncio.sleep(0.01)


@asynccontextmanager
async def followed(plan: Plan, names: Names) -> AsyncIterator[tuple[Prover, AddressBook]]:
    """A proven target whose name is then resolved every few milliseconds."""
    book = AddressBook()
    numbers = itertools.count()
    prover = Prover(plan, make_uploader(plan, 0, lambda: f"nonce-{next(numbers)}"), book, names.resolve)
    assert (await prover.prove(full_rows=None)).is_proven
    following = asyncio.create_task(prover.keep_fresh(pause_seconds=0.01))
    try:
        yield prover, book
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_a_new_address_of_the_name_is_used_after_its_own_verification() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        old, new = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names = Names(old)
        async with followed(make_plan(f"http://django.shop{PATH}"), names) as (prover, book):
            names.endpoints = (old, new)
            async with asyncio.timeout(10):
                while len(book.proven_addresses) < 2:  # noqa: ASYNC110 - asks a plain value
                    await asyncio.sleep(0.01)

            assert book.proven_addresses == (old, new)
            assert [received.rows for received in two.uploads] == [0, 1, 5]
            assert prover.report is not None
            assert prover.report.addresses == (str(old), str(new))
            assert (prover.report.uploads, prover.report.rows) == (6, 12)


async def test_a_new_address_that_ignores_the_header_is_a_violation_of_the_run_and_never_used() -> None:
    async with running_target() as one, running_target(answerer_from_rows(1, storing_answer), host="127.0.0.2") as two:
        old, new = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names, book = Names(old), AddressBook()
        numbers = itertools.count()
        plan = make_plan(f"http://django.shop{PATH}")
        prover = Prover(plan, make_uploader(plan, 0, lambda: f"nonce-{next(numbers)}"), book, names.resolve)
        assert (await prover.prove(full_rows=None)).is_proven
        names.endpoints = (old, new)

        with pytest.raises(ExceptionGroup) as raised:
            async with asyncio.timeout(10):
                await prover.keep_fresh(pause_seconds=0.01)

        violation = first_violation(raised.value)
        (canary,) = two.uploads[-1].client_ids
        assert (violation.kind, violation.address, violation.rows) == (ErrorKind.MARKER_MISSING, str(new), 1)
        assert violation.first_client_id == canary
        assert f"The canary with client_id {canary} may be stored" in violation.message
        assert book.proven_addresses == (old,)
        assert [received.rows for received in two.uploads] == [0, 1]


@pytest.mark.parametrize(("code", "is_tried_again"), [(403, False), (503, True)])
async def test_a_new_address_that_cannot_be_proven_for_another_reason_is_not_used_and_named(
    code: int, is_tried_again: bool
) -> None:
    async with running_target() as one, running_target(status_answerer(code), host="127.0.0.2") as two:
        old, new = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names = Names(old)
        async with followed(make_plan(f"http://django.shop{PATH}"), names) as (prover, book):
            names.endpoints = (old, new)
            async with asyncio.timeout(10):
                while not book.unusable_addresses:  # noqa: ASYNC110 - asks a plain value
                    await asyncio.sleep(0.01)

            assert prover.report is not None
            assert prover.report.unverified == (str(new),)
            assert str(new) in book.notice
            assert book.proven_addresses == (old,)
            two.answer = honouring_answer
            await names.asked_again()
            await names.asked_again()
            async with asyncio.timeout(10):
                while is_tried_again and len(book.proven_addresses) < 2:  # noqa: ASYNC110 - asks a plain value
                    await asyncio.sleep(0.01)
            assert prover.report.unverified == (() if is_tried_again else (str(new),))


async def test_behind_a_name_a_pod_that_does_not_go_first_waits_until_another_has_proven_a_new_address() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        old, new = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names, book = Names(old), AddressBook()
        numbers = itertools.count()
        plan = make_plan(f"http://django.shop{PATH}", parallelism=2, virtual_users=2)
        uploader = make_uploader(plan, 1, lambda: f"nonce-{next(numbers)}")
        prover = Prover(plan, uploader, book, names.resolve, goes_first=False)
        prover.push_addresses((old,), has_others=False)
        assert (await prover.prove(full_rows=None)).is_proven
        following = asyncio.create_task(prover.keep_fresh(pause_seconds=0.01))
        try:
            names.endpoints = (old, new)
            await names.asked_again()
            await names.asked_again()
            assert prover.proofs.awaited == (str(new),)
            assert two.uploads == []

            prover.push_addresses((old, new), has_others=False)
            async with asyncio.timeout(10):
                while len(book.proven_addresses) < 2:  # noqa: ASYNC110 - asks a plain value
                    await asyncio.sleep(0.01)
            assert prover.proofs.awaited == prover.proofs.pending == ()
            assert not prover.has_forgotten_addresses

            # One that left and came back is a new one, of which the operator must tell again.
            names.endpoints = (old,)
            await names.asked_again()
            names.endpoints = (old, new)
            await names.asked_again()
            await names.asked_again()
            assert prover.has_forgotten_addresses
            assert prover.proofs.awaited == (str(new),)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        assert [received.rows for received in two.uploads] == [0, 1, 5]


async def test_the_pod_that_goes_first_proves_what_only_others_find_behind_the_name() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        old, new = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names = Names(old)
        async with followed(make_plan(f"http://django.shop{PATH}"), names) as (prover, book):
            prover.push_addresses((new,), has_others=False, goes_first=True)
            async with asyncio.timeout(10):
                while len(book.proven_addresses) < 2:  # noqa: ASYNC110 - asks a plain value
                    await asyncio.sleep(0.01)

            assert prover.proofs.proven == (str(old), str(new))


async def test_a_new_address_that_is_denied_is_never_connected_to() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        old, new = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names = Names(old)
        policy = AddressPolicy(denied=("127.0.0.2/32",))
        async with followed(make_plan(f"http://django.shop{PATH}", network=policy), names) as (_, book):
            names.endpoints = (old, new)
            await names.asked_again()

            assert book.proven_addresses == (old,)
            assert two.uploads == []


async def test_an_address_that_vanished_is_dropped() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        old, new = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names = Names(old, new)
        async with followed(make_plan(f"http://django.shop{PATH}"), names) as (_, book):
            names.endpoints = (new,)
            await names.asked_again()

            assert book.proven_addresses == (new,)
            assert book.vanished_addresses == (old,)


async def test_a_doubted_address_that_is_only_busy_is_proven_anew_when_it_answers() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        well, busy = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names = Names(well, busy)
        async with followed(make_plan(f"http://django.shop{PATH}"), names) as (_, book):
            two.answer = answerer_from_rows(1, status_answerer(503))
            book.doubt(busy)
            await names.asked_again()
            await names.asked_again()
            assert book.doubted_addresses == (busy,)
            assert book.distrusted_addresses == ()
            assert {book.next() for _ in range(4)} == {well}

            two.answer = honouring_answer
            async with asyncio.timeout(10):
                while book.doubted_addresses:  # noqa: ASYNC110 - asks a plain value
                    await asyncio.sleep(0.01)

            assert {book.next() for _ in range(4)} == {well, busy}


@pytest.mark.parametrize(
    ("answer", "kind", "rows"),
    [
        (storing_answer, ErrorKind.MARKER_MISSING, 0),
        (answerer_from_rows(1, storing_answer), ErrorKind.MARKER_MISSING, 1),
        (answerer_from_rows(1, status_answerer(302, Location="/login/")), ErrorKind.REDIRECT, 1),
    ],
)
@pytest.mark.parametrize("came_back", [False, True])
async def test_a_proven_address_that_breaks_its_promise_by_now_is_a_violation_of_the_run(
    answer: Answerer, kind: ErrorKind, rows: int, came_back: bool
) -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        well, changed = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names, book = Names(well, changed), AddressBook()
        plan = make_plan(f"http://django.shop{PATH}")
        numbers = itertools.count()
        prover = Prover(plan, make_uploader(plan, 0, lambda: f"nonce-{next(numbers)}"), book, names.resolve)
        assert (await prover.prove(full_rows=None)).is_proven
        two.answer = answer
        if came_back:
            book.observe((well,))
        else:
            book.doubt(changed)

        with pytest.raises(ExceptionGroup) as raised:
            async with asyncio.timeout(10):
                await prover.keep_fresh(pause_seconds=0.01)

        violation = first_violation(raised.value)
        assert (violation.kind, violation.address, violation.rows) == (kind, str(changed), rows)
        assert prover.report is not None
        if rows:
            (canary,) = two.uploads[-1].client_ids
            assert violation.first_client_id == canary == prover.report.canary_ids[0]
            assert f"The canary with client_id {canary} may be stored" in violation.message


async def test_the_canary_of_an_address_that_ignores_the_header_comes_before_those_of_a_busy_one() -> None:
    async with (
        running_target() as one,
        running_target(host="127.0.0.2") as two,
        running_target(answerer_from_rows(1, storing_answer), host="127.0.0.3") as lying,
    ):
        well, busy, new = (Endpoint(target.host, target.port) for target in (one, two, lying))
        names = Names(well, busy)
        async with followed(make_plan(f"http://django.shop{PATH}"), names) as (prover, book):
            two.answer = answerer_from_rows(1, status_answerer(503))
            book.doubt(busy)
            async with asyncio.timeout(20):
                while prover.report is None or len(prover.report.canary_ids) < 5:  # noqa: ASYNC110 - a plain value
                    await asyncio.sleep(0.01)
            names.endpoints = (well, busy, new)
            async with asyncio.timeout(20):
                while len(lying.uploads) < 2:  # noqa: ASYNC110 - the target runs in this loop
                    await asyncio.sleep(0.01)
                # The canary is in the report as soon as the broken promise has ended the following.
                while prover.report.canary_ids[0] != lying.uploads[-1].client_ids[0]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

            (canary,) = lying.uploads[-1].client_ids
            busy_canaries = [received.client_ids[0] for received in two.uploads if received.rows == 1][1:]
            assert prover.report.canary_ids[0] == canary
            assert prover.report.canary_ids[1] in busy_canaries
            assert two.uploads[1].client_ids[0] in prover.report.canary_ids[-2:]


async def test_an_address_that_leaves_while_it_is_verified_does_not_refuse_the_target() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        gone, left = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        plan = make_plan(f"http://django.shop.svc{PATH}", addresses=(str(gone),))
        book = AddressBook(has_push=True)
        numbers = itertools.count()
        prover = Prover(plan, make_uploader(plan, 0, lambda: f"nonce-{next(numbers)}"), book)

        def leaves(received: ReceivedUpload) -> Answer | Awaitable[Answer]:
            prover.push_addresses((left,), has_others=False)
            return status_answerer(502)(received)

        one.answer = answerer_from_rows(1, leaves)
        report = await prover.prove(full_rows=FULL)

        assert report.is_proven, report.message
        assert report.addresses == (str(left),)
        assert book.proven_addresses == (left,)
        assert [received.rows for received in two.uploads] == [0, 1, 5, FULL]
        assert report.uploads == len(one.uploads) + len(two.uploads)


async def test_an_address_that_ignores_the_header_refuses_the_target_also_when_it_leaves() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        gone, left = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        plan = make_plan(f"http://django.shop.svc{PATH}", addresses=(str(gone),))
        prover = Prover(plan, make_uploader(plan, 0, lambda: "nonce"), AddressBook(has_push=True))

        def leaves(received: ReceivedUpload) -> Answer | Awaitable[Answer]:
            prover.push_addresses((left,), has_others=False)
            return storing_answer(received)

        one.answer = answerer_from_rows(1, leaves)
        report = await prover.prove(full_rows=FULL)

        assert report.refusal is Refusal.MARKER_MISSING
        assert two.uploads == []


async def test_a_verification_without_any_address_waits_until_there_is_one() -> None:
    async with running_target() as one:
        gone, there = Endpoint("127.0.0.9", one.port), Endpoint("127.0.0.1", one.port)
        plan = make_plan(f"http://django.shop.svc{PATH}", addresses=(str(gone),))
        numbers = itertools.count()
        uploader = make_uploader(plan, 0, lambda: f"nonce-{next(numbers)}")
        prover = Prover(plan, uploader, AddressBook(has_push=True))
        prover.push_addresses((), has_others=True)
        proving = asyncio.create_task(prover.prove(full_rows=None))
        await asyncio.sleep(0)
        prover.push_addresses((there,), has_others=False)

        async with asyncio.timeout(10):
            report = await proving

        assert report.addresses == (str(there),)


async def test_a_proof_that_is_too_old_is_made_again_and_its_address_not_used_until_then() -> None:
    async with running_target() as one:
        endpoint = Endpoint("127.0.0.1", one.port)
        names, book = Names(endpoint), AddressBook()
        numbers = itertools.count()
        plan = make_plan(f"http://django.shop{PATH}")
        prover = Prover(plan, make_uploader(plan, 0, lambda: f"nonce-{next(numbers)}"), book, names.resolve)
        assert (await prover.prove(full_rows=None)).is_proven

        prover.renew_proofs(older_than_seconds=60.0)
        assert (prover.proofs.pending, book.next()) == ((), endpoint)
        prover.renew_proofs(older_than_seconds=0.0)
        assert (prover.proofs.pending, book.next()) == ((str(endpoint),), None)
        age_seconds = prover.proofs.age_seconds
        following = asyncio.create_task(prover.keep_fresh(pause_seconds=0.01))
        try:
            async with asyncio.timeout(10):
                while prover.proofs.pending:  # noqa: ASYNC110 - asks a plain value
                    await asyncio.sleep(0.01)
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

        assert book.next() == endpoint
        assert prover.proofs.age_seconds < age_seconds + 10
        assert [received.rows for received in one.uploads] == [0, 1, 5] * 2


async def test_an_address_that_failed_its_verification_when_it_came_back_is_proven_no_more() -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        well, returned = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names = Names(well, returned)
        async with followed(make_plan(f"http://django.shop{PATH}"), names) as (prover, _):
            two.answer = status_answerer(403)
            names.endpoints = (well,)
            await names.asked_again()
            names.endpoints = (well, returned)
            await names.asked_again()
            await names.asked_again()

            assert prover.report is not None
            assert prover.report.addresses == (str(well),)
            assert prover.report.unverified == (str(returned),)
            (refused,) = prover.report.refused_addresses
            assert (refused.address, refused.refusal) == (str(returned), Refusal.FORBIDDEN)
            assert str(returned) in refused.message


@pytest.mark.parametrize("code", [401, 503])
async def test_a_busy_address_that_is_trusted_again_while_it_is_verified_stays_in_use(code: int) -> None:
    async with running_target() as one, running_target(host="127.0.0.2") as two:
        well, busy = Endpoint("127.0.0.1", one.port), Endpoint("127.0.0.2", two.port)
        names = Names(well, busy)
        async with followed(make_plan(f"http://django.shop{PATH}"), names) as (_, book):

            def accepts_load_meanwhile(received: ReceivedUpload) -> Answer | Awaitable[Answer]:
                book.trust(busy)
                return status_answerer(code)(received)

            two.answer = answerer_from_rows(1, accepts_load_meanwhile)
            book.doubt(busy)
            await names.asked_again()
            await names.asked_again()

            assert (book.proven_addresses, book.doubted_addresses, book.distrusted_addresses) == ((well, busy), (), ())
            assert len(two.uploads) == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("uvloop", [True, False])
async def test_a_verification_by_hand_that_is_ended_still_names_the_canary_that_was_under_way(
    uvloop: bool, number: signal.Signals
) -> None:
    async def never(_: ReceivedUpload) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    async with running_target() as target:
        target.answer = lambda received: never(received) if received.rows == 1 else honouring_answer(received)
        process = await asyncio.create_subprocess_exec(
            *command("verify", "--url", target.url, uvloop=uvloop),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment(),
        )
        async with asyncio.timeout(30):
            while not target.rows:  # noqa: ASYNC110 - the target runs in this loop
                await asyncio.sleep(0.01)
            process.send_signal(number)
            output, said = await process.communicate()

        canary = target.uploads[-1].client_ids[0]
        assert f"The canary with client_id {canary} may be stored" in " ".join(output.decode().split())
        assert "interrupted" in said.decode()
        assert "Traceback" not in said.decode()
        assert process.returncode == 3
