"""Small requests beside the load, to a server of the test's own."""

import gzip
import ipaddress
import zlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from loadgen.http import fetching
from loadgen.http.address_rules import AddressRules
from loadgen.http.fetching import FetchError, fetch
from serving import serving

_ENCODED = {
    "deflate": zlib.compress(b'{"count": 3}', wbits=-15),
    "gzip, identity": gzip.compress(b'{"count": 3}'),
}
NOWHERE = AddressRules(denied=(ipaddress.ip_network("127.0.0.0/8"),))


async def _answer(request: web.Request) -> web.Response:
    match request.path:
        case "/elsewhere":
            raise web.HTTPFound("/")
        case "/long":
            return web.Response(body=b"x" * 100_000)
        case "/encoded":
            named = request.query["named"]
            return web.Response(body=_ENCODED.get(named, b"?"), headers={"Content-Encoding": named})
        case _:
            return web.Response(text=request.headers.get("X-Asked", "nothing"))


@pytest_asyncio.fixture
async def base() -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_get("/{path:.*}", _answer)
    async with serving(application) as port:
        yield f"http://127.0.0.1:{port}"


async def test_an_answer_comes_with_its_status_and_whole_body(base: str) -> None:
    answer = await fetch(f"{base}/long", AddressRules(), headers={}, timeout_seconds=10)

    assert (answer.status, len(answer.body)) == (200, 100_000)


async def test_headers_are_sent(base: str) -> None:
    answer = await fetch(base, AddressRules(), headers={"X-Asked": "this"}, timeout_seconds=10)

    assert answer.body == b"this"


@pytest.mark.parametrize("named", _ENCODED)
async def test_an_encoded_answer_is_decoded(base: str, named: str) -> None:
    answer = await fetch(f"{base}/encoded?named={named}", AddressRules(), headers={}, timeout_seconds=10)

    assert answer.body == b'{"count": 3}'


async def test_an_answer_in_an_unknown_encoding_is_named_as_such(base: str) -> None:
    with pytest.raises(FetchError, match="answered 200, but the body is encoded as br"):
        await fetch(f"{base}/encoded?named=br", AddressRules(), headers={}, timeout_seconds=10)


async def test_a_redirect_is_an_answer_and_never_followed(base: str) -> None:
    answer = await fetch(f"{base}/elsewhere", AddressRules(), headers={}, timeout_seconds=10)

    assert answer.status == 302


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_denied_address_is_never_connected_to(base: str, host: str) -> None:
    with pytest.raises(FetchError, match="not allowed"):
        await fetch(base.replace("127.0.0.1", host), NOWHERE, headers={}, timeout_seconds=10)


async def test_an_answer_above_the_limit_is_refused(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "ANSWER_LIMIT_BYTES", 99_999)

    with pytest.raises(FetchError, match="longer than"):
        await fetch(f"{base}/long", AddressRules(), headers={}, timeout_seconds=10)


async def test_a_url_that_is_none_is_an_error_of_fetching() -> None:
    with pytest.raises(FetchError):
        await fetch("http://[", AddressRules(), headers={}, timeout_seconds=10)
