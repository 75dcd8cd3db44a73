"""Where an upload goes whose address was lost before anything was sent."""

from collections.abc import Callable

import pytest

from loadgen.answers.judging import HttpAnswer
from loadgen.http.endpoints import Endpoint
from loadgen.http.transport import Exchange
from loadgen.upload.addresses import AddressBook
from loadgen.upload.routes import Route
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind

A, B = Endpoint("10.0.0.1", 8000), Endpoint("10.0.0.2", 8000)
ANSWERED = Exchange(HttpAnswer(200, {}, b"{}"))


def book_of(*proven: Endpoint) -> AddressBook:
    book = AddressBook()
    for endpoint in proven:
        book.confirm(endpoint)
    return book


def lose_trust(book: AddressBook, endpoint: Endpoint) -> None:
    book.distrust(endpoint)


def leave(book: AddressBook, endpoint: Endpoint) -> None:
    book.observe(each for each in book.proven_addresses if each != endpoint)


@pytest.mark.parametrize("lose", [lose_trust, leave])
async def test_an_upload_whose_address_was_lost_while_its_file_was_made_goes_to_a_proven_one(
    lose: Callable[[AddressBook, Endpoint], None],
) -> None:
    book = book_of(A, B)
    route = Route(book, A, lambda: True)
    tried: list[Endpoint] = []
    lose(book, A)

    async def attempt(endpoint: Endpoint) -> Exchange:
        tried.append(endpoint)
        return ANSWERED

    exchange = await route.try_addresses(attempt)

    assert exchange is ANSWERED
    assert tried == [B]
    assert (route.endpoint, route.departed_addresses) == (B, ())


@pytest.mark.parametrize(
    ("lose", "told"), [(lose_trust, "10.0.0.1:8000 failed its verification"), (leave, "10.0.0.1:8000 left the target")]
)
async def test_an_upload_whose_only_address_was_lost_while_its_file_was_made_goes_nowhere(
    lose: Callable[[AddressBook, Endpoint], None], told: str
) -> None:
    book = book_of(A)
    route = Route(book, A, lambda: True)
    lose(book, A)

    async def attempt(endpoint: Endpoint) -> Exchange:
        raise AssertionError(endpoint)

    exchange = await route.try_addresses(attempt)

    assert (exchange.error, exchange.cause) == (ErrorKind.NO_ADDRESS, Cause.ADDRESSES_VANISHED)
    assert told in exchange.detail


@pytest.mark.parametrize("error", [ErrorKind.CONNECT_TIMEOUT, ErrorKind.NO_ADDRESS])
async def test_an_upload_whose_address_lost_its_trust_before_the_first_byte_goes_to_another(error: ErrorKind) -> None:
    book = book_of(A, B)
    route = Route(book, A, lambda: True)
    tried: list[Endpoint] = []

    async def attempt(endpoint: Endpoint) -> Exchange:
        tried.append(endpoint)
        if endpoint == A:
            book.distrust(A)
            return Exchange(None, error)
        return ANSWERED

    exchange = await route.try_addresses(attempt)

    assert exchange is ANSWERED
    assert tried == [A, B]


async def test_an_upload_that_was_begun_when_its_address_lost_its_trust_is_sent_nowhere_else() -> None:
    book = book_of(A, B)
    reset = Exchange(None, ErrorKind.RESET)
    tried: list[Endpoint] = []

    async def attempt(endpoint: Endpoint) -> Exchange:
        tried.append(endpoint)
        book.distrust(A)
        return reset

    exchange = await Route(book, A, lambda: True).try_addresses(attempt)

    assert exchange is reset
    assert tried == [A]
