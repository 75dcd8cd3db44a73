"""The first seconds of a pod: what its network is not ready for yet is tried again, and then refused by its name."""

import asyncio
import itertools
import re
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from dns_server import NO_ERROR, NO_SUCH_NAME, SERVER_FAILURE, asking, resolving
from http_target import PATH, HttpTarget, running_target
from loadgen.http.address_rules import AddressRules
from loadgen.http.endpoints import Endpoint
from loadgen.http.fetching import FetchError, fetch, fetch_in_first_seconds
from loadgen.proof.proving import Prover
from loadgen.upload.addresses import AddressBook
from loadgen.upload.name_resolution import NameNotResolvedError
from loadgen.upload.uploading import make_uploader
from loadtest_model.measurement.snapshot import Refusal, VerificationReport
from loadtest_model.plan import LoginPlan, Plan, SecretPlace
from loadtest_model.plan.verification import compile_read_back
from loadtest_model.spec.verification import Requirement, Verification
from localcluster.ports import free_port
from support.loadgen_plans import make_plan
from support.local_runs import command, environment

LATE_SECONDS = 1.5
TRIED = re.compile(r"\(tried (\d+) times in (\d+\.\d) s\)")


async def proven(plan: Plan, *, pod_index: int = 0, **options: object) -> VerificationReport:
    numbers = itertools.count()
    uploader = make_uploader(plan, pod_index, lambda: f"nonce-{next(numbers)}")
    prover = Prover(plan, uploader, AddressBook(), **options)  # type: ignore[arg-type]
    return await prover.prove(full_rows=None if pod_index else 20)


@asynccontextmanager
async def serving_late(port: int) -> AsyncIterator[HttpTarget]:
    """A target whose port refuses connections for the first seconds."""
    up: asyncio.Future[HttpTarget] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def serve() -> None:
        await asyncio.sleep(LATE_SECONDS)
        async with running_target(port=port) as target:
            up.set_result(target)
            await over.wait()

    task = asyncio.create_task(serve())
    try:
        target = HttpTarget(host="127.0.0.1", port=port)
        yield target
        target.uploads = (await up).uploads
    finally:
        over.set()
        await task


@pytest.mark.parametrize("pod_index", [0, 1])
@pytest.mark.parametrize("kind", ["address", "told", "name"])
async def test_a_port_that_refuses_for_the_first_seconds_is_proven_by_every_pod(kind: str, pod_index: int) -> None:
    port = free_port()
    host = "127.0.0.1" if kind == "address" else "localhost"
    addresses = (f"127.0.0.1:{port}",) if kind == "told" else ()
    async with serving_late(port) as target:
        plan = make_plan(f"http://{host}:{port}{PATH}", addresses=addresses, parallelism=2, virtual_users=2)

        report = await proven(plan, pod_index=pod_index)

        assert report.refusal is None, report.message
        # Each attempt before was a connection, and no upload.
        assert report.uploads == (3 if pod_index else 4)
        assert [check.name for check in report.checks].count("connect") <= 2

    assert len(target.uploads) == report.uploads


async def test_a_port_that_drops_connections_for_the_first_seconds_is_proven() -> None:
    with socket.socket() as listening, socket.socket() as one, socket.socket() as two:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        for waiting in (one, two):
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        verifying = asyncio.create_task(
            proven(make_plan(f"http://127.0.0.1:{port}{PATH}", target={"timeouts": {"connect": "1s"}}))
        )
        done, _ = await asyncio.wait({verifying}, timeout=LATE_SECONDS)
        assert not done
    async with running_target(port=port):
        report = await verifying

    assert report.refusal is None, report.message


@pytest.mark.parametrize("kind", ["address", "told", "name"])
async def test_a_port_that_goes_on_refusing_is_refused_with_the_time_that_it_took(
    kind: str, patience_seconds: float
) -> None:
    port = free_port()
    addresses = (f"127.0.0.1:{port}",) if kind == "told" else ()
    host = "localhost" if kind == "name" else "127.0.0.1"
    began = time.monotonic()

    report = await proven(make_plan(f"http://{host}:{port}/", addresses=addresses))

    assert report.refusal is Refusal.REFUSED
    tried = TRIED.search(report.message)
    assert tried is not None, report.message
    assert int(tried[1]) > 2
    assert patience_seconds - 1 <= float(tried[2]) <= time.monotonic() - began + 0.1 < patience_seconds + 3
    assert report.uploads == 0
    # One line for each address, however often it was tried.
    assert len(report.checks) == len({check.address for check in report.checks})


async def test_a_failure_of_dns_that_passes_is_asked_again_and_one_for_good_is_not() -> None:
    async with running_target() as target:
        failures = iter([False, False, False])
        asked_for_good = 0

        async def ask(_host: str, _port: int) -> tuple[Endpoint, ...]:
            if next(failures, None) is not None:
                raise NameNotResolvedError("the name was not resolved: Temporary failure", does_not_exist=False)
            return (Endpoint("127.0.0.1", target.port),)

        async def gone(_host: str, _port: int) -> tuple[Endpoint, ...]:
            nonlocal asked_for_good
            asked_for_good += 1
            raise NameNotResolvedError("the name was not resolved: unknown", does_not_exist=True)

        plan = make_plan(f"http://clients.shop.svc:{target.port}{PATH}")

        assert (await proven(plan, resolve_name=ask)).refusal is None
        assert (await proven(plan, resolve_name=gone)).refusal is Refusal.DNS
        assert asked_for_good == 1


async def verified_by_dns(folder: Path, url: str, code_after: dict[float, int]) -> tuple[int, str, float]:
    """Status and output of `loadgen verify` where DNS gives these codes after so many seconds; how long it took."""
    began = time.monotonic()

    def code() -> int:
        passed = time.monotonic() - began
        return [each for after, each in code_after.items() if after <= passed][-1]

    async with resolving(code) as address:
        process = await asyncio.create_subprocess_exec(
            *asking(address, command("verify", "--url", url), folder),
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode(), time.monotonic() - began


async def test_a_dns_server_that_fails_first_is_asked_again(tmp_path: Path) -> None:
    async with running_target() as target:
        url = f"http://clients.shop.test:{target.port}{PATH}"

        status, output, _ = await verified_by_dns(tmp_path, url, {0.0: SERVER_FAILURE, 3.0: NO_ERROR})

        assert status == 0, output


async def test_a_dns_server_that_goes_on_failing_is_named_with_the_time_that_it_took(tmp_path: Path) -> None:
    status, output, seconds = await verified_by_dns(tmp_path, "http://clients.shop.test/", {0.0: SERVER_FAILURE})

    assert status != 0
    assert "clients.shop.test was not resolved" in output
    assert TRIED.search(" ".join(output.split())), output
    assert seconds > 9


async def test_a_name_that_does_not_exist_is_refused_at_once(tmp_path: Path) -> None:
    status, output, seconds = await verified_by_dns(tmp_path, "http://clients.shop.test/", {0.0: NO_SUCH_NAME})

    assert status != 0
    assert "clients.shop.test was not resolved" in output
    assert not TRIED.search(" ".join(output.split()))
    assert seconds < 9


def with_read_back(plan: Plan, url: str) -> Plan:
    document = {"require": "Proven", "readBack": {"url": url, "settle": "0s", "timeout": "1s", "countPath": "count"}}
    read_back = compile_read_back(msgspec.convert(document, Verification), plan.records)
    return msgspec.structs.replace(plan, read_back=read_back, require=Requirement.PROVEN)


async def test_a_login_that_is_refused_in_the_first_seconds_is_tried_again() -> None:
    port = free_port()
    async with running_target() as target, telling_late(port) as asked:
        plan = make_plan(target.url)
        login = LoginPlan(
            url=f"http://127.0.0.1:{port}/api/token/",
            username=SecretPlace(variable="ROBOT"),
            password=SecretPlace(variable="WORD"),
            username_field="username",
            password_field="password",
            format="json",  # type: ignore[arg-type]
            token_path="access",
            expires_in_path=None,
        )
        plan = msgspec.structs.replace(plan, target=msgspec.structs.replace(plan.target, login=login))
        uploader = make_uploader(plan, 0, lambda: "nonce", {"ROBOT": "robot", "WORD": "password"})

        report = await Prover(plan, uploader, AddressBook()).prove(full_rows=20)

        assert report.refusal is None, report.message
        assert asked == ["/api/token/"]
        assert {received.headers["Authorization"] for received in target.uploads} == {"Bearer token-1"}


@asynccontextmanager
async def telling_late(port: int) -> AsyncIterator[list[str]]:
    """A server that gives a token and a count, whose port refuses connections for the first seconds."""
    asked: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split()[1].decode())
        body = b'{"access": "token-1", "count": 3}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async def serve() -> None:
        await asyncio.sleep(LATE_SECONDS)
        server = await asyncio.start_server(answer, "127.0.0.1", port)
        async with server:
            await server.serve_forever()

    task = asyncio.create_task(serve())
    try:
        yield asked
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_read_back_that_is_refused_in_the_first_seconds_is_tried_again() -> None:
    port = free_port()
    async with running_target() as target, telling_late(port):
        plan = with_read_back(make_plan(target.url), f"http://127.0.0.1:{port}/count")

        report = await proven(plan)

        assert report.refusal is None, report.message


async def test_a_read_back_that_goes_on_being_refused_says_how_long_it_was_tried(patience_seconds: float) -> None:
    async with running_target() as target:
        plan = with_read_back(make_plan(target.url), f"http://127.0.0.1:{free_port()}/count")

        report = await proven(plan)

        assert report.refusal is Refusal.READ_BACK
        tried = TRIED.search(report.message)
        assert tried is not None, report.message
        assert float(tried[2]) > patience_seconds - 1
        assert target.uploads == []


async def test_a_fetch_names_what_may_pass_and_what_will_not() -> None:
    async def refused() -> None:
        await fetch(f"http://127.0.0.1:{free_port()}/", AddressRules(), headers={}, timeout_seconds=5)

    with pytest.raises(FetchError) as error:
        await refused()
    assert (error.value.may_pass, error.value.is_lasting) == (True, False)

    async with running_target() as target:
        answer = await fetch_in_first_seconds(lambda: fetch(target.url, AddressRules(), headers={}, timeout_seconds=5))
        assert answer.status == 405
