"""What is known of objects when lists and a watch overtake each other."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.report.labels import UID_LABEL
from loadtest_operator.observe.object_cache import ObjectCache

Json = dict[str, Any]

UIDS = ("a", "b", "c")


def an_object(uid: str, version: int, owner: str = "test", namespace: str = "shop") -> Json:
    metadata = {"uid": uid, "resourceVersion": str(version), "namespace": namespace, "labels": {UID_LABEL: owner}}
    return {"metadata": metadata}


def a_cache() -> ObjectCache[tuple[str, int]]:
    return ObjectCache(lambda resource: (resource["metadata"]["uid"], int(resource["metadata"]["resourceVersion"])))


def take_list(cache: ObjectCache[tuple[str, int]], objects: list[Json], version: int) -> None:
    for uid in list(cache.absent(objects, str(version), None)):
        cache.remove(uid)
    for each in objects:
        cache.see(each)


def test_a_list_that_began_before_an_object_was_made_does_not_remove_it() -> None:
    cache = a_cache()
    cache.see(an_object("a", 12))

    take_list(cache, [], 11)

    assert cache.of("test") == [("a", 12)]


def test_what_is_gone_does_not_come_back_with_a_list_that_still_has_it() -> None:
    cache = a_cache()
    cache.see(an_object("a", 10))
    cache.remove("a")

    take_list(cache, [an_object("a", 10)], 11)

    assert cache.of("test") == []


def test_a_list_of_one_namespace_or_test_removes_nothing_of_another() -> None:
    cache = a_cache()
    for each in (an_object("a", 1), an_object("b", 2, owner="other"), an_object("c", 3, namespace="elsewhere")):
        cache.see(each)

    assert list(cache.absent([], "9", "shop")) == ["a", "b"]
    assert list(cache.absent([], "9", None, "other")) == ["b"]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[dict[str, int]], list[tuple[str, int]]]:
    """The objects at each version of a cluster, and what is heard of it: events in their order, lists of any age not
    before the newest list and not after the newest event."""
    states: list[dict[str, int]] = [{}]
    gone: set[str] = set()
    for version in range(1, draw(st.integers(1, 12)) + 1):
        state = dict(states[-1])
        uid = draw(st.sampled_from(UIDS))
        if uid in state and draw(st.booleans()):
            del state[uid]
            gone.add(uid)
        elif uid not in gone:
            state[uid] = version
        states.append(state)
    heard: list[tuple[str, int]] = []
    for version in range(1, len(states)):
        heard.append(("event", version))
        if draw(st.booleans()):
            heard.append(("list", draw(st.integers(0, len(states) - 1))))
    return states, heard


@given(histories())
def test_after_all_events_the_objects_are_known_whatever_lists_came_between(
    history: tuple[list[dict[str, int]], list[tuple[str, int]]],
) -> None:
    states, heard = history
    cache = a_cache()
    for what, version in heard:
        state, before = states[version], states[max(0, version - 1)]
        if what == "list":
            take_list(cache, [an_object(uid, its) for uid, its in state.items()], version)
            continue
        for uid in before.keys() - state.keys():
            cache.remove(uid)
        for uid, its in state.items():
            if its == version:
                cache.see(an_object(uid, its))

    assert dict(cache.of("test")) == states[-1]
