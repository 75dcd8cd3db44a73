"""TLS against real servers, with certificates that the test makes: what is trusted and shown, and how it fails."""

import asyncio
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from certificates import Authority, Certificate, make_authority
from http_target import PATH, HttpTarget, running_target
from loadgen.http.address_rules import AddressRules
from loadgen.http.endpoints import Endpoint
from loadgen.http.request_headers import request_head
from loadgen.http.timeouts import UploadTimeouts
from loadgen.http.tls import TlsUnusableError, tls_context
from loadgen.http.transport import Exchange, Request, open_client
from loadgen.http.upload_progress import UploadProgress
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of
from loadtest_model.plan import TlsPlan

HEAD = b'--b\r\nContent-Disposition: form-data; name="file"; filename="c.csv"\r\nContent-Type: text/csv\r\n\r\n'
TAIL = b"\r\n--b--\r\n"
ROW = b"C1\r\n"
BODY = HEAD + b"client_id\r\n" + ROW + TAIL


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.sign("target", "DNS:target.example")


@pytest.fixture(scope="module")
def client_certificate(authority: Authority) -> Certificate:
    return authority.sign("client", "DNS:loadgen", use="clientAuth")


def trusting(authority: Authority, shown: Certificate | None = None) -> TlsPlan:
    return TlsPlan(
        ca_file=str(authority.file),
        certificate_file=str(shown.file) if shown else None,
        key_file=str(shown.key_file) if shown else None,
    )


async def post(
    target: HttpTarget, plan: TlsPlan, name: str = "target.example", *bodies: bytes
) -> tuple[Exchange, UploadProgress]:
    progress = UploadProgress()
    parts = bodies or (BODY,)
    own = {"Host": "target.example", "X-Load-Test-Nonce": "n"}
    headers = {**own, "Content-Type": "multipart/form-data; boundary=b"}
    request = Request(
        endpoint=Endpoint(target.host, target.port),
        server_hostname=name,
        head=request_head(PATH, headers),
        length=sum(map(len, parts)),
        parts=parts,
    )
    async with open_client(AddressRules(), keep_alive=False, tls=tls_context(plan)) as client:
        return await client.post(request, progress, UploadTimeouts(10)), progress


@contextmanager
def blocking_server(context: ssl.SSLContext) -> Iterator[HttpTarget]:
    """A server that ends each handshake with the alert that TLS has for it; asyncio's would reset the connection.

    Nothing is ever answered over it.
    """
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                _shake_hands(connection, context)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield HttpTarget(host="127.0.0.1", port=listening.getsockname()[1])
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(10)


def _shake_hands(connection: socket.socket, context: ssl.SSLContext) -> None:
    """Go through a handshake, send what TLS has to say at its end, and read on until the client has gone.

    A connection that is closed with something unread is reset, and the alert may be lost with it.
    """
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = context.wrap_bio(incoming, outgoing, server_side=True)
    with suppress(ssl.SSLError):
        while True:
            try:
                secured.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                received = connection.recv(1 << 16)
                if not received:
                    return
                incoming.write(received)
    connection.sendall(outgoing.read())
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(1 << 16):
        pass


def assert_refused(exchange: Exchange, progress: UploadProgress, *words: str) -> None:
    """The upload failed in TLS, with these words said of it, and counts as one that was never sent."""
    assert exchange.error is ErrorKind.TLS
    assert outcome_of(ErrorKind.TLS) is Outcome.REJECTED
    for word in words:
        assert word in exchange.detail
    assert (progress.has_begun, progress.body_bytes_sent) == (False, 0)


async def test_a_named_authority_is_trusted_and_the_name_is_asked_for(
    authority: Authority, certificate: Certificate
) -> None:
    names: list[str | None] = []
    async with running_target(tls=certificate.server_context(names)) as target:
        exchange, _ = await post(target, trusting(authority))

        assert exchange.answer is not None
        assert exchange.answer.status == 200
        assert names == ["target.example"]
        assert target.uploads[0].headers["Host"] == "target.example"


async def test_an_authority_that_nobody_named_is_not_trusted(certificate: Certificate) -> None:
    async with running_target(tls=certificate.server_context()) as target:
        exchange, progress = await post(target, TlsPlan())

        assert_refused(exchange, progress, "signed by an authority that is not trusted")
        assert target.uploads == []


async def test_a_named_authority_stands_in_place_of_all_others(certificate: Certificate, tmp_path: Path) -> None:
    other = make_authority(tmp_path, "other")
    async with running_target(tls=certificate.server_context()) as target:
        assert_refused(*await post(target, trusting(other)), "signed by an authority that is not trusted")


async def test_an_intermediate_authority_alone_is_trust_enough(authority: Authority, tmp_path: Path) -> None:
    intermediate = authority.delegate(tmp_path, "intermediate")
    leaf = intermediate.sign("leaf", "DNS:target.example")
    async with running_target(tls=leaf.server_context()) as target:
        exchange, _ = await post(target, trusting(intermediate))

        assert exchange.answer is not None


async def test_a_certificate_for_another_name_is_refused(authority: Authority, certificate: Certificate) -> None:
    names: list[str | None] = []
    async with running_target(tls=certificate.server_context(names)) as target:
        exchange, progress = await post(target, trusting(authority), "other.example")

        assert_refused(exchange, progress, "for another name", "other.example")
        assert names == ["other.example"]


async def test_an_address_as_the_name_is_checked_against_the_addresses_of_the_certificate(
    authority: Authority, certificate: Certificate
) -> None:
    by_address = authority.sign("by-address", "IP:127.0.0.1")
    async with running_target(tls=by_address.server_context()) as target:
        exchange, _ = await post(target, trusting(authority), "127.0.0.1")

        assert exchange.answer is not None
    async with running_target(tls=certificate.server_context()) as target:
        assert_refused(*await post(target, trusting(authority), "127.0.0.1"), "for another name")


async def test_an_expired_certificate_is_said_to_be(authority: Authority) -> None:
    expired = authority.sign("expired", "DNS:target.example", days=-1)
    async with running_target(tls=expired.server_context()) as target:
        assert_refused(*await post(target, trusting(authority)), "has expired")


async def test_a_port_that_speaks_plain_http_is_said_to_do_so(authority: Authority) -> None:
    async with running_target() as target:
        assert_refused(*await post(target, trusting(authority)), "speaks no TLS, most likely plain HTTP")


async def test_a_client_shows_its_certificate_to_a_target_that_wants_one(
    authority: Authority, certificate: Certificate, client_certificate: Certificate
) -> None:
    async with running_target(tls=certificate.server_context(client_authority=authority)) as target:
        exchange, _ = await post(target, trusting(authority, client_certificate))

        assert exchange.answer is not None
        assert exchange.answer.status == 200


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_target_that_wants_a_client_s_certificate_is_said_to_and_has_taken_nothing(
    authority: Authority, certificate: Certificate, newest: ssl.TLSVersion
) -> None:
    context = certificate.server_context(client_authority=authority)
    context.maximum_version = newest
    with blocking_server(context) as target:
        exchange, progress = await post(target, trusting(authority))

    assert_refused(exchange, progress, "wants a client's certificate")


async def test_a_client_s_certificate_of_another_authority_is_refused_by_the_target(
    authority: Authority, certificate: Certificate, tmp_path: Path
) -> None:
    stranger = make_authority(tmp_path, "stranger").sign("stranger-client", "DNS:loadgen", use="clientAuth")
    with blocking_server(certificate.server_context(client_authority=authority)) as target:
        exchange, progress = await post(target, trusting(authority, stranger))

    assert_refused(exchange, progress, "does not know the authority of the client's certificate")


async def test_a_connection_lost_in_the_handshake_is_no_unknown_upload() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        target = HttpTarget(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        exchange, progress = await post(target, TlsPlan())

    assert exchange.error is not None
    assert outcome_of(exchange.error) is Outcome.REJECTED
    assert not progress.has_begun


@pytest.mark.parametrize("farewell", [b"\x15\x03\x03\x00\x02\x02\x50", b"not a record of TLS at all", b""])
async def test_a_connection_that_tls_loses_after_the_body_was_taken_is_an_unknown_upload(
    authority: Authority, certificate: Certificate, farewell: bytes
) -> None:
    taken: list[bytes] = []
    context = certificate.server_context()
    listening = socket.create_server(("127.0.0.1", 0))

    def take_all_and_break_off() -> None:
        connection, _ = listening.accept()
        with connection, context.wrap_socket(connection, server_side=True) as secured:
            while not b"".join(taken).endswith(TAIL):
                taken.append(secured.recv(65_536))
            with socket.socket(fileno=os.dup(secured.fileno())) as bare:
                bare.sendall(farewell)

    thread = threading.Thread(target=take_all_and_break_off)
    thread.start()
    with listening:
        target = HttpTarget(host="127.0.0.1", port=listening.getsockname()[1])
        exchange, progress = await post(target, trusting(authority))
        thread.join(10)

    assert exchange.error is not None
    assert outcome_of(exchange.error) is Outcome.UNKNOWN
    assert (progress.has_begun, progress.body_bytes_sent) == (True, len(BODY))


async def test_a_large_body_goes_through_tls_whole(authority: Authority, certificate: Certificate) -> None:
    head, rows = HEAD + b"client_id\r\n", ROW * 500_000
    async with running_target(tls=certificate.server_context()) as target:
        exchange, progress = await post(target, trusting(authority), "target.example", head, rows, TAIL)

        assert exchange.answer is not None
        assert target.uploads[0].rows == 500_000
        assert progress.body_bytes_sent == len(head + rows + TAIL)


def test_a_file_without_a_certificate_is_named_with_what_is_wrong(tmp_path: Path, authority: Authority) -> None:
    empty = tmp_path / "ca.crt"
    empty.write_text("nothing")

    with pytest.raises(TlsUnusableError, match=str(empty)):
        tls_context(TlsPlan(ca_file=str(empty)))
    with pytest.raises(TlsUnusableError, match="No such file"):
        tls_context(TlsPlan(ca_file=str(tmp_path / "none")))
    with pytest.raises(TlsUnusableError, match="No such file"):
        tls_context(TlsPlan(certificate_file=str(tmp_path / "none"), key_file=str(tmp_path / "none")))


def test_a_certificate_with_the_key_of_another_is_refused(
    certificate: Certificate, client_certificate: Certificate
) -> None:
    mixed = TlsPlan(certificate_file=str(certificate.file), key_file=str(client_certificate.key_file))

    with pytest.raises(TlsUnusableError, match="no certificate with its unencrypted key"):
        tls_context(mixed)


def test_old_tls_is_never_spoken() -> None:
    context = tls_context(TlsPlan())

    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
