"""Only proven addresses are ever handed out, whatever comes and goes, and doubted ones only where all are."""

from hypothesis import given
from hypothesis import strategies as st

from loadgen.http.endpoints import Endpoint
from loadgen.upload.addresses import AddressBook

ENDPOINTS = st.builds(Endpoint, st.sampled_from([f"10.0.0.{n}" for n in range(1, 6)]), st.just(80))
EVENTS = st.lists(
    st.tuples(st.just("observe"), st.frozensets(ENDPOINTS, max_size=5))
    | st.tuples(st.just("confirm"), ENDPOINTS)
    | st.tuples(st.sampled_from(["distrust", "doubt", "trust"]), ENDPOINTS),
    max_size=30,
)


@given(EVENTS)
def test_only_what_was_confirmed_and_is_still_there_is_handed_out(events: list[tuple[str, object]]) -> None:
    book, proven, doubted = AddressBook(), set[Endpoint](), set[Endpoint]()
    current: frozenset[Endpoint] | None = None
    for name, subject in events:
        if name == "observe":
            assert isinstance(subject, frozenset)
            current = subject
            new = book.observe(subject)
            proven &= subject
            doubted &= subject
            assert not set(new) & (proven - doubted)
            assert set(new) >= doubted
        elif isinstance(subject, Endpoint):
            getattr(book, name)(subject)
            if name == "doubt" and subject in proven and len(proven) > 1:
                doubted.add(subject)
            elif name == "distrust":
                proven.discard(subject)
            elif name == "confirm" and (current is None or subject in current):
                proven.add(subject)
            if name in ("confirm", "trust", "distrust") and (name != "confirm" or subject in proven):
                doubted.discard(subject)

        handed = {book.next() for _ in range(10)} - {None}
        assert handed == (proven - doubted or proven)
        assert set(book.proven_addresses) == proven
        assert set(book.doubted_addresses) == doubted
        assert not set(book.vanished_addresses) & proven
        for endpoint in proven:
            assert book.has_other(endpoint) == bool(handed - doubted - {endpoint})
