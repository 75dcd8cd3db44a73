"""Which addresses are handed out for load."""

import asyncio
import itertools

import pytest

from loadgen.http.endpoints import Endpoint
from loadgen.upload.addresses import AddressBook
from loadgen.upload.following import PushedAddresses, follow_addresses
from loadgen.upload.name_resolution import NameNotResolvedError, resolve

A, B, C = (Endpoint(f"10.0.0.{n}", 80) for n in (1, 2, 3))


def book_of(*proven: Endpoint) -> AddressBook:
    book = AddressBook()
    for endpoint in proven:
        book.confirm(endpoint)
    return book


def test_proven_addresses_take_turns() -> None:
    book = book_of(A, B)

    assert [book.next() for _ in range(4)] == [A, B, A, B]


def test_an_empty_book_hands_out_nothing() -> None:
    assert AddressBook().next() is None


def test_a_new_address_needs_its_verification_before_it_is_used() -> None:
    book = book_of(A)

    assert book.observe([A, B]) == (B,)
    assert {book.next() for _ in range(4)} == {A}

    book.confirm(B)
    assert {book.next() for _ in range(4)} == {A, B}


def test_a_vanished_address_is_dropped_and_remembered() -> None:
    book = book_of(A, B)

    book.observe([B])

    assert book.proven_addresses == (B,)
    assert book.vanished_addresses == (A,)


def test_an_address_that_comes_back_is_verified_again() -> None:
    book = book_of(A, B)
    book.observe([B])

    assert book.observe([A, B]) == (A,)
    book.confirm(A)
    assert book.vanished_addresses == ()


def test_when_all_have_vanished_none_is_handed_out() -> None:
    book = book_of(A)

    book.observe([])

    assert book.next() is None


def test_a_distrusted_address_is_never_tried_again() -> None:
    book = book_of(A)

    book.distrust(B)

    assert book.observe([A, B]) == ()
    assert book.distrusted_addresses == (B,)


def test_a_book_in_order_has_nothing_to_say() -> None:
    assert AddressBook().notice == ""
    assert book_of(A, B).notice == ""


def test_the_notice_names_what_vanished_and_what_is_not_used() -> None:
    book = book_of(A, B)
    book.observe([B])
    book.distrust(C)

    assert book.notice == "vanished: 10.0.0.1:80; not verified, so not used: 10.0.0.3:80"


def test_the_notice_says_when_no_address_is_left() -> None:
    book = book_of(A)
    book.observe([])

    assert book.notice == "no address of the target is left; vanished: 10.0.0.1:80"


async def followed(book: AddressBook, answers: list[object], proofs: dict[Endpoint, bool | None]) -> list[Endpoint]:
    """Run `follow_addresses` over these answers of the resolver; gives what was verified."""
    asked, over = itertools.count(), asyncio.Event()
    verified: list[Endpoint] = []

    async def ask() -> tuple[Endpoint, ...]:
        number = next(asked)
        if number >= len(answers):
            over.set()
            await asyncio.Event().wait()
        answer = answers[number]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, tuple)
        return answer

    async def prove(endpoint: Endpoint) -> bool | None:
        verified.append(endpoint)
        return proofs[endpoint]

    task = asyncio.create_task(follow_addresses(book, ask, prove, lambda: asyncio.sleep(0)))
    await asyncio.wait_for(over.wait(), 5)
    task.cancel()
    return verified


async def test_following_a_name_verifies_what_is_new_and_drops_what_is_gone() -> None:
    book = book_of(A)

    verified = await followed(book, [(A, B), (B,)], {B: True})

    assert verified == [B]
    assert book.proven_addresses == (B,)
    assert book.vanished_addresses == (A,)


async def test_a_new_address_that_failed_in_passing_is_tried_again_and_one_that_lied_is_not() -> None:
    book = book_of(A)

    verified = await followed(book, [(A, B, C), (A, B, C)], {B: None, C: False})

    assert verified == [B, C, B]
    assert book.proven_addresses == (A,)


async def test_a_resolver_that_fails_in_passing_changes_nothing() -> None:
    book = book_of(A)

    await followed(book, [NameNotResolvedError("try again", does_not_exist=False)], {})

    assert book.proven_addresses == (A,)


async def test_a_name_that_is_gone_takes_its_addresses_with_it() -> None:
    book = book_of(A)

    await followed(book, [NameNotResolvedError("no such name", does_not_exist=True)], {})

    assert book.proven_addresses == ()
    assert book.vanished_addresses == (A,)


async def test_localhost_resolves_to_loopback_addresses_with_the_port() -> None:
    endpoints = await resolve("localhost", 8000)

    assert Endpoint("127.0.0.1", 8000) in endpoints


@pytest.mark.parametrize("name", ["nothing.invalid", "a" * 70 + ".example"])
async def test_a_name_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(NameNotResolvedError, match=name):
        await resolve(name, 80)


def test_an_address_that_vanished_while_it_was_verified_is_not_used() -> None:
    book = book_of(A)
    book.observe([A, B])
    book.observe([A])

    book.confirm(B)

    assert book.proven_addresses == (A,)
    assert book.vanished_addresses == (B,)


async def test_an_address_that_never_answers_keeps_no_other_waiting() -> None:
    book, told, over = book_of(A), PushedAddresses((A,)), asyncio.Event()

    async def prove(endpoint: Endpoint) -> bool:
        if endpoint == B:
            await asyncio.Event().wait()
        over.set()
        return True

    task = asyncio.create_task(follow_addresses(book, told.read_addresses, prove, lambda: told.wait_for_push(60)))
    told.push((A, B))
    await asyncio.sleep(0)
    told.push((A, B, C))
    await asyncio.wait_for(over.wait(), 5)
    task.cancel()

    assert book.proven_addresses == (A, C)


async def test_what_was_told_before_anyone_waited_is_news() -> None:
    told = PushedAddresses((A,))
    told.push((B,))

    await asyncio.wait_for(told.wait_for_push(60), 5)

    assert await told.read_addresses() == (B,)


async def test_without_news_the_wait_ends_by_itself() -> None:
    await asyncio.wait_for(PushedAddresses((A,)).wait_for_push(0.001), 5)


async def test_an_upload_waits_for_the_address_that_is_being_verified() -> None:
    book = book_of(A)
    book.observe([B])
    waiting = asyncio.create_task(book.wait_for_next(60))
    await asyncio.sleep(0)

    book.confirm(B)

    assert await asyncio.wait_for(waiting, 5) == B


async def test_an_upload_waits_for_what_is_verified_elsewhere() -> None:
    book = book_of(A)
    book.expect_others(True)
    book.observe([])
    waiting = asyncio.create_task(book.wait_for_next(60))
    await asyncio.sleep(0)

    book.observe([B])
    book.confirm(B)

    assert await asyncio.wait_for(waiting, 5) == B


async def test_an_upload_does_not_wait_where_no_address_is_left_to_verify() -> None:
    book = book_of(A)
    book.observe([B])
    waiting = asyncio.create_task(book.wait_for_next(60))
    await asyncio.sleep(0)

    book.distrust(B)

    assert await asyncio.wait_for(waiting, 5) is None


async def test_an_upload_does_not_wait_longer_than_its_time() -> None:
    book = book_of(A)
    book.observe([B])

    assert await asyncio.wait_for(book.wait_for_next(0.001), 5) is None


async def test_the_proof_of_an_address_that_left_and_came_back_meanwhile_is_none() -> None:
    book, told = book_of(A), PushedAddresses((A,))
    begun, asked = asyncio.Queue[asyncio.Event](), asyncio.Queue[tuple[Endpoint, ...]]()
    proven = asyncio.Event()

    async def ask() -> tuple[Endpoint, ...]:
        asked.put_nowait(await told.read_addresses())
        return await told.read_addresses()

    async def prove(_: Endpoint) -> bool:
        go = asyncio.Event()
        begun.put_nowait(go)
        await go.wait()
        proven.set()
        return True

    task = asyncio.create_task(follow_addresses(book, ask, prove, lambda: told.wait_for_push(60)))
    told.push((A, B))
    first = await asyncio.wait_for(begun.get(), 5)
    told.push((A,))
    while await asyncio.wait_for(asked.get(), 5) != (A,):
        pass
    told.push((A, B))
    await asyncio.wait_for(begun.get(), 5)

    first.set()
    await asyncio.wait_for(proven.wait(), 5)
    task.cancel()

    assert book.proven_addresses == (A,)


async def test_a_connect_that_has_just_run_out_of_time_is_not_hurried_any_more() -> None:
    book = book_of(A, B)

    async def connect() -> None:
        async with asyncio.timeout(0.01) as bound:
            with book.watch_connect(A, bound):
                try:
                    await asyncio.Event().wait()
                finally:
                    book.observe((B,))

    with pytest.raises(TimeoutError):
        await connect()

    assert book.vanished_addresses == (A,)
