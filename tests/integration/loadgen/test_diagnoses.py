"""What a Django team meets first, each provoked on the example target, and told by its cause with a next step."""

import asyncio
import itertools
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from certificates import Authority, make_authority
from example_server import UPLOAD_PATH, ExampleServer, example_server
from loadgen.proof.proving import Prover
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import make_uploader
from loadtest_model.explanations import explanation_of
from loadtest_model.judgement.diagnoses import Diagnosis, diagnose_run
from loadtest_model.measurement.aggregate import aggregate_of
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.snapshot import PodState, ProofLevel, Refusal, Snapshot, VerificationReport
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.plan.secrets import SecretPlaces
from localcluster.ports import free_port
from nginx_proxy import nginx_proxy
from raw_target import Conversation, read_request, running_raw_target
from support.loadgen_loads import Load
from support.loadgen_plans import make_plan

SECRET = "a secret of at least thirty-two bytes"
MISTAKES = {"DJANGO_SETTINGS_MODULE": "misconfigured.settings"}
SMALL, SPILLING = 20, 16_000
"""Rows of a batch that Django keeps in memory, and of one that it writes to a folder."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    """A target with a mistake at each URL, and an upload folder that does not exist."""
    variables = {**MISTAKES, "FILE_UPLOAD_TEMP_DIR": "/nonexistent", "GUNICORN_CMD_ARGS": "--timeout 2"}
    with example_server(tmp_path_factory.mktemp("target"), variables) as server:
        yield server


@pytest.fixture(scope="module")
def debugged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    """The same with DEBUG on."""
    variables = {**MISTAKES, "FILE_UPLOAD_TEMP_DIR": "/nonexistent", "DEBUG": "1"}
    with example_server(tmp_path_factory.mktemp("debugged"), variables) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    """The example with tokens."""
    with example_server(tmp_path_factory.mktemp("guarded"), {"JWT_SECRET": SECRET}) as server:
        yield server


@dataclass(frozen=True)
class Proxy:
    """The ports of an nginx: without TLS, with it, and with it for clients that show a certificate."""

    port: int
    tls_port: int
    strict_port: int
    http2_port: int
    authority: Authority

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture(scope="module")
def proxy(target: ExampleServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """nginx before the target, with a mistake of a proxy at each path."""
    folder = tmp_path_factory.mktemp("nginx")
    authority = make_authority(folder)
    certificate = authority.sign("proxy", "IP:127.0.0.1")
    tls_port, strict_port, http2_port = free_port(), free_port(), free_port()
    upstream = f"http://127.0.0.1:{target.port}"
    server = f"""
        location /small/ {{ client_max_body_size 4k; proxy_pass {upstream}/; }}
        location /down/ {{ proxy_pass http://127.0.0.1:{free_port()}/; }}
        location /impatient/ {{ proxy_read_timeout 1s; proxy_pass {upstream}/mistakes/slow/; }}
        location /hanging/ {{ proxy_pass {upstream}/mistakes/hangs/; }}
        location /stuck/ {{ proxy_pass {upstream}/mistakes/stuck/; }}
        location /killed/ {{ client_max_body_size 0; proxy_pass {upstream}/mistakes/killed/; }}
        location /limited/ {{ limit_req zone=uploads; proxy_pass {upstream}/; }}
        location /cutting/ {{
            if ($http_content_length ~ "^[0-9][0-9][0-9][0-9][0-9]") {{ return 444; }}
            proxy_pass {upstream}/;
        }}
        location /denied/ {{ deny all; }}
        location /nowhere/ {{ return 404; }}
        listen 127.0.0.1:{tls_port} ssl;
    """
    http = f"""
        limit_req_zone $binary_remote_addr zone=uploads:1m rate=1r/m;
        ssl_certificate {certificate.file};
        ssl_certificate_key {certificate.key_file};
        server {{
            listen 127.0.0.1:{strict_port} ssl;
            ssl_client_certificate {authority.file};
            ssl_verify_client on;
        }}
        server {{ listen 127.0.0.1:{http2_port} http2; }}
    """
    with nginx_proxy(folder, server, http) as port:
        yield Proxy(port, tls_port, strict_port, http2_port, authority)


def mistake(server: ExampleServer, name: str) -> str:
    return f"http://127.0.0.1:{server.port}/mistakes/{name}/"


def upload_url(server: ExampleServer) -> str:
    return f"http://127.0.0.1:{server.port}{UPLOAD_PATH}"


async def verified(url: str, *, rows: int = SMALL, **plan: Any) -> VerificationReport:
    """The report of a verification, whose refusal says what to do about its cause."""
    made = make_plan(url, batch_size=rows, **plan)
    numbers = itertools.count()
    report = await Prover(made, make_uploader(made, 0, lambda: f"n{next(numbers)}"), AddressBook()).prove(
        full_rows=rows
    )
    assert report.cause is not None
    assert report.hint == explanation_of(report.cause).next_step
    return report


async def loaded(plan: Plan, port: int) -> tuple[StepAggregate, tuple[Diagnosis, ...]]:
    """What a load without a verification saw, and what it is diagnosed as."""
    load = Load(plan, port)
    violation = await load.run()
    step = load.step()
    assert sum(seen.count for seen in step.causes.values()) == sum(step.errors.values()) - step.errors.get(
        "cancelled", 0
    )  # type: ignore[call-overload]
    return step, diagnosed(step, violation)


def diagnosed(step: StepAggregate, violation: Any = None) -> tuple[Diagnosis, ...]:
    snapshot = Snapshot(
        schema=1,
        pod_index=0,
        pod_uid="u",
        sequence=1,
        state=PodState.DONE,
        plan_hash="h",
        steps=(step,),
        violation=violation,
    )
    return diagnose_run(aggregate_of(snapshot), None)


@pytest.mark.parametrize(
    ("name", "cause", "refusal", "word"),
    [
        ("csrf", Cause.CSRF, Refusal.FORBIDDEN, "csrf_exempt"),
        ("forbids", Cause.PERMISSION_DENIED, Refusal.FORBIDDEN, "permission_classes"),
        ("cors", Cause.CORS, Refusal.FORBIDDEN, "CORS"),
        ("fails", Cause.EMPTY_FILE_FAILED, Refusal.SERVER_ERROR, "traceback"),
        ("fails-without-rows", Cause.EMPTY_FILE_FAILED, Refusal.SERVER_ERROR, "a file with its header row only"),
        ("fails-with-rows", Cause.SERVER_ERROR, Refusal.SERVER_ERROR, "traceback"),
        ("ignores-header", Cause.MARKER_MISSING, Refusal.MARKER_MISSING, "load_test_mode"),
        ("marker-false", Cause.MARKER_FALSE, Refusal.MARKER_FALSE, "condition"),
        ("page", Cause.NOT_JSON, Refusal.MARKER_MISSING, "JSON"),
        ("encoded-br", Cause.ANSWER_UNREADABLE, Refusal.UNREADABLE, "Accept-Encoding"),
        ("miscounts", Cause.ROWS_MISCOUNTED, Refusal.MISCOUNTED, "spec.target.response.count"),
        ("json-only", Cause.WRONG_CONTENT_TYPE, Refusal.REJECTED, "MultiPartParser"),
        ("log-in", Cause.LOGIN_REDIRECT, Refusal.REDIRECT, "spec.target.auth"),
        ("redirects", Cause.REDIRECTED, Refusal.REDIRECT, "JSON"),
        ("wants-field", Cause.WRONG_FILE_FIELD, Refusal.REJECTED, "spec.target.fileField"),
        ("throttles", Cause.THROTTLED, Refusal.REJECTED, "DEFAULT_THROTTLE_RATES"),
        ("unavailable", Cause.SERVICE_UNAVAILABLE, Refusal.SERVER_ERROR, "log"),
        ("get-only", Cause.METHOD_NOT_ALLOWED, Refusal.REJECTED, "upload"),
        ("crashes", Cause.CONNECTION_RESET, Refusal.RESET, "OOMKilled"),
        ("unknown", Cause.WRONG_URL, Refusal.NOT_FOUND, "closing slash"),
    ],
)
async def test_a_mistake_of_the_view_is_refused_with_its_cause(
    target: ExampleServer, name: str, cause: Cause, refusal: Refusal, word: str
) -> None:
    report = await verified(mistake(target, name))

    assert (report.cause, report.refusal) == (cause, refusal)
    assert word in report.hint


@pytest.mark.parametrize("name", ["encoded-raw", "encoded-twice-named"])
async def test_an_answer_in_an_encoding_that_was_asked_for_is_read_however_it_is_named(
    target: ExampleServer, name: str
) -> None:
    plan = make_plan(mistake(target, name), batch_size=SMALL)

    report = await Prover(plan, make_uploader(plan, 0, lambda: "nonce"), AddressBook()).prove(full_rows=SMALL)

    assert (report.level, report.refusal) == (ProofLevel.ECHOED, None)


async def test_an_answer_that_cannot_be_read_names_its_encoding_and_says_nothing_of_the_header(
    target: ExampleServer,
) -> None:
    report = await verified(mistake(target, "encoded-br"))

    assert "the body is encoded as br" in report.message
    assert "ignored" not in report.message + report.hint


async def test_a_file_in_a_form_field_that_the_view_does_not_read(target: ExampleServer) -> None:
    report = await verified(upload_url(target), target={"fileField": "upload"})

    assert (report.cause, report.refusal) == (Cause.WRONG_FILE_FIELD, Refusal.REJECTED)


@pytest.mark.parametrize("debug", [False, True])
async def test_a_host_that_django_does_not_know(request: pytest.FixtureRequest, debug: bool) -> None:
    server = request.getfixturevalue("debugged" if debug else "target")

    report = await verified(upload_url(server), target={"host": "clients.shop:8000"})

    assert (report.cause, report.refusal) == (Cause.HOST_NOT_ALLOWED, Refusal.REJECTED)
    assert "ALLOWED_HOSTS" in report.hint
    assert "spec.target.host" in report.hint


@pytest.mark.parametrize("debug", [False, True])
async def test_a_url_without_its_closing_slash(request: pytest.FixtureRequest, debug: bool) -> None:
    server = request.getfixturevalue("debugged" if debug else "target")

    report = await verified(upload_url(server).rstrip("/"))

    assert report.cause is Cause.SLASH_MISSING
    assert report.refusal is (Refusal.SERVER_ERROR if debug else Refusal.REDIRECT)


async def test_a_target_that_wants_https(tmp_path: Path) -> None:
    with example_server(tmp_path, {"SECURE_SSL_REDIRECT": "1"}) as server:
        report = await verified(upload_url(server))

    assert (report.cause, report.refusal) == (Cause.HTTPS_REDIRECT, Refusal.REDIRECT)
    assert "SECURE_PROXY_SSL_HEADER" in report.hint


@pytest.mark.parametrize("debug", [False, True])
async def test_an_upload_folder_that_cannot_be_written_to(request: pytest.FixtureRequest, debug: bool) -> None:
    server = request.getfixturevalue("debugged" if debug else "target")

    report = await verified(upload_url(server), rows=SPILLING)

    # Django fails before it has read the file, and the answer may be lost with the connection.
    assert report.cause is Cause.UPLOAD_FOLDER
    assert report.refusal in (Refusal.SERVER_ERROR, Refusal.RESET)
    assert f"(full-batch, {SPILLING:,} rows)" in report.message
    assert "FILE_UPLOAD_TEMP_DIR" in report.hint


async def test_a_worker_that_is_killed_with_the_whole_file_in_its_memory(target: ExampleServer) -> None:
    report = await verified(mistake(target, "killed"), rows=SPILLING)

    assert (report.cause, report.refusal) == (Cause.WORKER_KILLED, Refusal.RESET)
    assert report.hint.startswith("Look for memory first")
    # What the hint sends people to is there, and the target lives on.
    async with asyncio.timeout(30):
        while "Perhaps out of memory?" not in target.log_path.read_text():  # noqa: ASYNC110 - a file that another process writes
            await asyncio.sleep(0.05)
    assert (await verified(mistake(target, "killed"), rows=SPILLING)).cause is Cause.WORKER_KILLED


async def test_a_worker_that_is_killed_behind_a_proxy(proxy: Proxy) -> None:
    report = await verified(proxy.url("/killed/"), rows=SPILLING)

    assert (report.cause, report.refusal) == (Cause.PROXY_BAD_GATEWAY, Refusal.SERVER_ERROR)
    assert "Perhaps out of memory?" in report.hint


async def test_a_proxy_that_cuts_what_is_above_its_limit_is_named_with_its_limit(proxy: Proxy) -> None:
    report = await verified(proxy.url("/cutting/clients/upload/process/"), rows=500)

    assert (report.cause, report.refusal) == (Cause.SIZE_CUT, Refusal.RESET)
    assert "(full-batch, 500 rows)" in report.message
    assert "client_max_body_size" in report.hint
    assert "proxy-body-size" in report.hint


@pytest.mark.parametrize("debug", [False, True])
async def test_a_view_that_reads_the_whole_body(request: pytest.FixtureRequest, debug: bool) -> None:
    server = request.getfixturevalue("debugged" if debug else "target")

    report = await verified(mistake(server, "reads-body"), rows=500)

    assert report.cause is Cause.DJANGO_BODY_LIMIT
    assert "DATA_UPLOAD_MAX_MEMORY_SIZE" in report.hint


@pytest.mark.parametrize(
    ("name", "target_fields", "cause"),
    [
        ("other-field", {}, Cause.WRONG_FILE_FIELD),
        ("memory", {}, Cause.OUT_OF_MEMORY),
        ("ignores-header", {"formFields": dict.fromkeys("abcde", "1")}, Cause.TOO_MANY_FIELDS),
    ],
)
async def test_with_debug_django_tells_the_exception(
    debugged: ExampleServer, name: str, target_fields: dict[str, Any], cause: Cause
) -> None:
    report = await verified(mistake(debugged, name), target=target_fields)

    assert report.cause is cause


def token_file(folder: Path, *, expires_in_seconds: float, secret: str = SECRET, says: bool = True) -> str:
    file = folder / f"token-{expires_in_seconds}"
    token = jwt.encode({"exp": time.time() + expires_in_seconds}, secret, "HS256")
    # A token whose expiry cannot be read from outside, as those that are not JWT, is sent for what it is.
    file.write_text(token if says else token.replace(".", "_"))
    return str(file)


async def test_a_token_is_wanted(guarded: ExampleServer, tmp_path: Path) -> None:
    without = await verified(upload_url(guarded))
    unreadable = await verified(upload_url(guarded), token_file=str(tmp_path / "none"))

    assert without.cause is unreadable.cause is Cause.TOKEN_MISSING
    assert without.refusal is unreadable.refusal is Refusal.UNAUTHORIZED


async def test_a_token_of_another_secret_is_refused(guarded: ExampleServer, tmp_path: Path) -> None:
    file = token_file(tmp_path, expires_in_seconds=600, secret="another secret of at least thirty-two bytes")

    assert (await verified(upload_url(guarded), token_file=file)).cause is Cause.TOKEN_REFUSED


async def test_a_token_with_another_scheme_is_told_apart(guarded: ExampleServer, tmp_path: Path) -> None:
    file = token_file(tmp_path, expires_in_seconds=600)

    report = await verified(
        upload_url(guarded),
        token_file=file,
        target={"auth": {"scheme": "Token", "secretKeyRef": {"name": "token", "key": "token"}}},
    )

    assert report.cause is Cause.TOKEN_SCHEME
    assert "spec.target.auth.scheme" in report.hint


async def test_a_token_that_expires_while_the_load_runs(guarded: ExampleServer, tmp_path: Path) -> None:
    # A busy machine takes its time from here to the first upload.
    file = token_file(tmp_path, expires_in_seconds=3.0)
    plan = make_plan(upload_url(guarded), batch_size=SMALL, duration_seconds=4.5, token_file=file)

    step, found = await loaded(plan, guarded.port)

    assert step.total.accepted > 0
    assert set(step.causes) == {Cause.TOKEN_EXPIRED}
    assert found[0].cause is Cause.TOKEN_EXPIRED
    assert "token_expired" in found[0].evidence


@pytest.mark.parametrize(
    ("path", "rows", "cause", "word"),
    [
        ("/small/clients/upload/process/", 200, Cause.PROXY_BODY_LIMIT, "client_max_body_size"),
        ("/down/", SMALL, Cause.PROXY_BAD_GATEWAY, "502"),
        ("/impatient/", SMALL, Cause.PROXY_TIMEOUT, "proxy_read_timeout"),
        ("/limited/clients/upload/process/", SMALL, Cause.PROXY_UNAVAILABLE, "limit"),
        ("/denied/", SMALL, Cause.PROXY_REFUSED, "route"),
        ("/nowhere/", SMALL, Cause.PROXY_REFUSED, "route"),
    ],
)
async def test_nginx_in_the_way(proxy: Proxy, path: str, rows: int, cause: Cause, word: str) -> None:
    report = await verified(proxy.url(path), rows=rows)

    assert report.cause is cause
    assert word in report.hint + explanation_of(cause).meaning


async def test_tls_where_it_is_not_expected_and_not_where_it_is(proxy: Proxy) -> None:
    plain = await verified(f"http://127.0.0.1:{proxy.tls_port}/")
    untrusted = await verified(f"https://127.0.0.1:{proxy.tls_port}/")
    unspoken = await verified(f"https://127.0.0.1:{proxy.port}/")

    assert plain.cause is Cause.TLS_EXPECTED
    assert (untrusted.cause, untrusted.refusal) == (Cause.TLS_CERTIFICATE, Refusal.TLS)
    assert (unspoken.cause, unspoken.refusal) == (Cause.TLS_NOT_SPOKEN, Refusal.TLS)


async def test_a_target_that_wants_a_certificate_and_files_that_hold_none(proxy: Proxy, tmp_path: Path) -> None:
    tls = {"tls": {"caSecretKeyRef": {"name": "ca"}}}
    trusted, unreadable = (SecretPlaces(ca_file=str(file)) for file in (proxy.authority.file, tmp_path / "none"))

    wanted = await verified(f"https://127.0.0.1:{proxy.strict_port}/", target=tls, places=trusted)
    unusable = await verified(f"https://127.0.0.1:{proxy.tls_port}/", target=tls, places=unreadable)

    assert wanted.cause is Cause.TLS_CLIENT_CERTIFICATE
    assert (unusable.cause, unusable.refusal) == (Cause.TLS_SETTINGS, Refusal.TLS)


SETTINGS = b"\x00\x00\x12\x04" + bytes(5) + b"\x00\x03\x00\x00\x00\x64\x00\x04\x00\x10\x00\x00\x00\x06\x00\x10\x01\x40"
GO_AWAY = b"\x00\x00\x08\x07" + bytes(12) + b"\x01"


async def greets_in_http2(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """As gRPC's servers do: SETTINGS first, and an end when the client's preface is none."""
    writer.write(SETTINGS)
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.write(GO_AWAY)
    await writer.drain()


async def answers_in_http2(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(SETTINGS[:3].replace(b"\x12", b"\x00") + b"\x04" + bytes(5) + GO_AWAY)
    await writer.drain()


@pytest.mark.parametrize("conversation", [greets_in_http2, answers_in_http2])
async def test_a_port_that_speaks_http2_only_is_named_as_such(conversation: Conversation) -> None:
    async with running_raw_target(conversation) as address:
        report = await verified(f"http://{address}/")

    assert (report.cause, report.refusal) == (Cause.HTTP2_ONLY, Refusal.BAD_ANSWER)
    assert "HTTP/2 only" in report.message
    assert "HTTP/1.1" in report.hint


async def test_nginx_that_speaks_http2_only_is_named_as_such(proxy: Proxy) -> None:
    report = await verified(f"http://127.0.0.1:{proxy.http2_port}/")

    assert report.cause is Cause.HTTP2_ONLY


async def test_a_port_that_speaks_http2_over_tls_only_is_named_as_such(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    certificate = authority.sign("target", "IP:127.0.0.1")
    port = free_port()
    server = await asyncio.create_subprocess_exec(
        *("openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-alpn", "h2"),
        *("-cert", str(certificate.file), "-key", str(certificate.key_file), "-quiet"),
        stdin=asyncio.subprocess.DEVNULL,
    )
    try:
        report = await verified(
            f"https://127.0.0.1:{port}/",
            target={"tls": {"caSecretKeyRef": {"name": "ca"}}},
            places=SecretPlaces(ca_file=str(authority.file)),
        )
    finally:
        server.kill()
        await server.wait()

    assert (report.cause, report.refusal) == (Cause.HTTP2_ONLY, Refusal.TLS), report.message


@pytest.mark.usefixtures("patience_seconds")
async def test_a_target_that_cannot_be_connected_to() -> None:
    refused = await verified(f"http://127.0.0.1:{free_port()}/")
    unknown = await verified("http://clients.invalid/")

    assert refused.cause is Cause.CONNECTION_REFUSED
    assert unknown.cause is Cause.NAME_NOT_RESOLVED


@pytest.mark.usefixtures("patience_seconds")
async def test_a_target_whose_queue_of_connections_is_full() -> None:
    with socket.socket() as listening, socket.socket() as one, socket.socket() as two:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for waiting in (one, two):
            waiting.setblocking(False)
            waiting.connect_ex(address)
        await asyncio.sleep(0.1)

        report = await verified(f"http://127.0.0.1:{address[1]}/", target={"timeouts": {"connect": "1s"}})

    assert (report.cause, report.refusal) == (Cause.CONNECT_TIMEOUT, Refusal.TIMEOUT)


async def test_a_target_that_takes_longer_than_the_time_out(target: ExampleServer) -> None:
    report = await verified(mistake(target, "slow"), target={"timeout": "1s"})

    assert (report.cause, report.refusal) == (Cause.TIMED_OUT, Refusal.TIMEOUT)


@pytest.mark.parametrize(
    ("name", "seen"), [("hangs", Cause.WORKER_TIMEOUT), ("stuck", Cause.CONNECTION_RESET)], ids=["told", "killed"]
)
async def test_workers_at_gunicorns_time_out(target: ExampleServer, name: str, seen: Cause) -> None:
    plan = make_plan(mistake(target, name), batch_size=SMALL, virtual_users=2, duration_seconds=1.0)

    step, found = await loaded(plan, target.port)

    assert set(step.causes) == {seen}
    assert found[0].cause is Cause.WORKER_TIMEOUT
    assert "gunicorn's --timeout" in found[0].next_step


@pytest.mark.parametrize(
    ("name", "seen"), [("hanging", Cause.WORKER_TIMEOUT), ("stuck", Cause.PROXY_BAD_GATEWAY)], ids=["told", "killed"]
)
async def test_workers_at_gunicorns_time_out_behind_a_proxy(proxy: Proxy, name: str, seen: Cause) -> None:
    plan = make_plan(proxy.url(f"/{name}/"), batch_size=SMALL, virtual_users=2, duration_seconds=1.0)

    step, found = await loaded(plan, proxy.port)

    assert set(step.causes) == {seen}
    assert found[0].cause is Cause.WORKER_TIMEOUT


async def test_a_proxys_time_out_shows_in_the_age_of_its_answers(proxy: Proxy) -> None:
    plan = make_plan(proxy.url("/impatient/"), batch_size=SMALL, duration_seconds=1.0)

    _, found = await loaded(plan, proxy.port)

    assert found[0].cause is Cause.PROXY_TIMEOUT
    age = re.search(r", ([\d.]+) s after it was sent; ", found[0].evidence)
    assert age is not None, found[0].evidence
    assert 1.0 <= float(age[1]) < 5.0
    assert "504 Gateway Time-out" in found[0].evidence


async def test_a_target_that_goes_down_under_load(tmp_path: Path) -> None:
    with example_server(tmp_path, MISTAKES) as server:
        plan = make_plan(mistake(server, "slow"), batch_size=SMALL, virtual_users=2, duration_seconds=4.0)
        load = Load(plan, server.port)
        running = asyncio.create_task(load.run())
        async with asyncio.timeout(30):
            while not any(step.total.accepted for step in load.steps()):  # noqa: ASYNC110 - the load's own loop
                await asyncio.sleep(0.05)
        os.killpg(server.group, signal.SIGKILL)
        await running

    found = diagnosed(load.step())

    assert found[0].cause is Cause.TARGET_CRASHED
    assert found[-1].cause is Cause.HIGH_ERROR_RATE


async def test_errors_under_load_come_by_their_number(tmp_path: Path) -> None:
    variables = {"FAULT": "some-errors", "FAULT_EVERY": "3", "FAULT_MIN_ROWS": "1"}
    ledger = {"FAULT_LEDGER": str(tmp_path / "ledger")}
    with example_server(tmp_path, {**variables, **ledger}, "faulty_target.wsgi") as server:
        plan = make_plan(upload_url(server), batch_size=SMALL, virtual_users=2, duration_seconds=1.0)

        step, found = await loaded(plan, server.port)

    assert set(step.causes) == {Cause.SERVER_ERROR, Cause.SERVICE_UNAVAILABLE}
    assert [each.cause for each in found][-1] is Cause.HIGH_ERROR_RATE
    assert found[0].count >= found[1].count
