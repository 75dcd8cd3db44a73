"""Only addresses with a valid proof are ever handed out, whatever comes and goes, and doubted ones only if all are."""

from hypothesis import given
from hypothesis import strategies as st

from loadgen.http.endpoints import Endpoint
from loadgen.upload.addresses import AddressBook

ENDPOINT_LIST = [Endpoint(f"10.0.0.{n}", 80) for n in range(1, 6)]
ENDPOINTS = st.sampled_from(ENDPOINT_LIST)
EVENTS = st.lists(
    st.tuples(st.just("observe"), st.frozensets(ENDPOINTS, max_size=5))
    | st.tuples(st.just("confirm"), ENDPOINTS)
    | st.tuples(st.sampled_from(["distrust", "doubt", "trust", "expire", "fail", "spare"]), ENDPOINTS),
    max_size=30,
)


@given(EVENTS)
def test_only_what_was_confirmed_and_is_still_there_is_handed_out(events: list[tuple[str, object]]) -> None:
    book, proven, doubted, expired, tried = (
        AddressBook(),
        set[Endpoint](),
        set[Endpoint](),
        set[Endpoint](),
        set[Endpoint](),
    )
    distrusted = set[Endpoint]()
    current: frozenset[Endpoint] | None = None
    for name, subject in events:
        if name == "observe":
            assert isinstance(subject, frozenset)
            current = subject
            new = book.observe(subject)
            proven &= subject
            doubted &= subject
            expired &= subject
            tried &= subject
            assert not set(new) & (proven - doubted - expired)
            assert set(new) >= (doubted | expired) - distrusted
        elif isinstance(subject, Endpoint):
            getattr(book, name)(subject)
            is_there = current is not None and subject in current
            if name == "doubt" and subject in proven and len(proven) > 1:
                doubted.add(subject)
            elif name == "expire" and subject in proven:
                expired.add(subject)
            elif name == "distrust":
                distrusted.add(subject)
                proven.discard(subject)
                tried.discard(subject)
            elif name in ("fail", "spare") and is_there and subject not in proven - expired:
                proven.discard(subject)
                tried.add(subject)
            elif name == "confirm" and (current is None or is_there):
                proven.add(subject)
                expired.discard(subject)
                tried.discard(subject)
            doubted &= proven
            expired &= proven
            if name in ("confirm", "trust") and (name != "confirm" or subject in proven):
                doubted.discard(subject)

        valid = proven - expired
        handed = {book.next() for _ in range(10)} - {None}
        assert handed == (valid - doubted or valid)
        assert set(book.proven_addresses) == proven
        assert set(book.doubted_addresses) == doubted
        assert not set(book.vanished_addresses) & proven
        assert set(book.unverified_addresses) == (current or frozenset()) - valid - tried - distrusted
        for endpoint in ENDPOINT_LIST:
            assert book.proves(endpoint) == (endpoint in valid)
        for endpoint in proven:
            assert book.has_other(endpoint) == bool(handed - doubted - {endpoint})
