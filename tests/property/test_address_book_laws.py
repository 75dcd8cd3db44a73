"""Only proven addresses are ever handed out, whatever comes and goes."""

from hypothesis import given
from hypothesis import strategies as st

from loadgen.addresses import AddressBook
from loadgen.endpoints import Endpoint

ENDPOINTS = st.builds(Endpoint, st.sampled_from([f"10.0.0.{n}" for n in range(1, 6)]), st.just(80))
EVENTS = st.lists(
    st.tuples(st.just("observe"), st.frozensets(ENDPOINTS, max_size=5))
    | st.tuples(st.just("confirm"), ENDPOINTS)
    | st.tuples(st.just("distrust"), ENDPOINTS),
    max_size=30,
)


@given(EVENTS)
def test_only_what_was_confirmed_and_is_still_there_is_handed_out(events: list[tuple[str, object]]) -> None:
    book, proven = AddressBook(), set[Endpoint]()
    current: frozenset[Endpoint] | None = None
    for name, subject in events:
        if name == "observe":
            assert isinstance(subject, frozenset)
            current = subject
            new = book.observe(subject)
            proven &= subject
            assert not set(new) & proven
        elif isinstance(subject, Endpoint):
            (book.confirm if name == "confirm" else book.distrust)(subject)
            if name == "distrust":
                proven.discard(subject)
            elif current is None or subject in current:
                proven.add(subject)

        handed = {book.next() for _ in range(10)} - {None}
        assert handed == proven
        assert set(book.proven) == proven
        assert not set(book.vanished) & proven
