"""The roster against an API server whose watch is late and is_lossy that things are gone."""

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.report.labels import RUN_LABEL, UID_LABEL
from loadtest_operator.observe.line_entries import Belongings
from loadtest_operator.observe.roster import Roster
from support.operator_builders import NOW

Json = dict[str, Any]


class Server:
    """Objects, each change of which is a version, and a watch that tells of the changes when it is asked to."""

    def __init__(self, make: Callable[[str, int], Json]) -> None:
        self.make = make
        self.version = 0
        self.objects: dict[str, Json] = {}
        self.pending_news: list[tuple[bool, Json]] = []
        self.uids = 0

    def create(self) -> None:
        self.uids += 1
        self._put(f"uid-{self.uids}")

    def change(self, choice: int) -> None:
        if self.objects:
            self._put(sorted(self.objects)[choice % len(self.objects)])

    def delete(self, choice: int, *, is_told: bool) -> None:
        if self.objects:
            gone = self.objects.pop(sorted(self.objects)[choice % len(self.objects)])
            self.version += 1
            if is_told:
                self.pending_news.append((True, gone))

    def _put(self, uid: str) -> None:
        self.version += 1
        self.objects[uid] = self.make(uid, self.version)
        self.pending_news.append((False, self.objects[uid]))


def a_pod(uid: str, version: int) -> Json:
    labels = {UID_LABEL: f"test-of-{uid}", RUN_LABEL: str(version)}
    return {"metadata": {"uid": uid, "name": uid, "resourceVersion": str(version), "labels": labels}}


def a_test(uid: str, version: int) -> Json:
    metadata = {"namespace": "shop", "name": uid, "uid": uid, "resourceVersion": str(version)}
    spec = {"target": {"url": "http://a/"}, "scenario": "light", "parallelism": version}
    return {"metadata": {**metadata, "creationTimestamp": "2026-03-01T11:00:00Z"}, "spec": spec}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "change", "delete", "lose", "tell", "tell", "begin a list", "end a list"]),
        st.integers(0, 5),
    ),
    max_size=40,
)


def play(
    server: Server,
    steps: list[tuple[str, int]],
    roster: Roster,
    tell: Callable[[bool, Json], None],
    replace: Callable[[list[Json], int], object],
) -> None:
    """Changes, late news and overlapping lists in any order, until every list has ended and the watch has told all."""
    lists: list[tuple[list[Json], int]] = []
    for step, choice in [*steps, *[("tell", 0)] * len(steps), *[("end a list", 0)] * len(steps)]:
        match step:
            case "create":
                server.create()
            case "change":
                server.change(choice)
            case "delete" | "lose":
                server.delete(choice, is_told=step == "delete")
            case "tell" if server.pending_news:
                tell(*server.pending_news.pop(0))
            case "begin a list" if len(lists) < 2:
                lists.append((list(server.objects.values()), roster.mark()))
            case "end a list" if lists:
                replace(*lists.pop(0))


@given(steps=STEPS, is_lossy=st.booleans())
def test_the_roster_has_the_pods_that_there_are(steps: list[tuple[str, int]], *, is_lossy: bool) -> None:
    """At the latest after one more list where the watch is_lossy that pods are gone, and else without."""
    server, roster = Server(a_pod), Roster()

    def tell(is_gone: bool, resource: Json) -> None:
        if is_gone:
            roster.forget_child(resource["metadata"]["uid"])
        else:
            roster.see_child(resource, is_pod=True)

    def replace(resources: list[Json], mark: int) -> None:
        roster.replace_children(resources, mark, are_pods=True)

    play(server, of_watch(steps, is_lossy=is_lossy), roster, tell, replace)
    if is_lossy:
        replace(list(server.objects.values()), roster.mark())

    assert roster.belongings(NOW) == {f"test-of-{uid}": Belongings(pods=1) for uid in server.objects}


@given(steps=STEPS, is_lossy=st.booleans())
def test_the_roster_has_the_tests_that_there_are_as_they_are(steps: list[tuple[str, int]], *, is_lossy: bool) -> None:
    server, roster = Server(a_test), Roster()

    def tell(is_gone: bool, resource: Json) -> None:
        if is_gone:
            roster.forget_test(resource["metadata"]["uid"])
        else:
            roster.see_test(resource)

    play(server, of_watch(steps, is_lossy=is_lossy), roster, tell, roster.replace_tests)
    if is_lossy:
        roster.replace_tests(list(server.objects.values()), roster.mark())

    pods = {uid: resource["spec"]["parallelism"] for uid, resource in server.objects.items()}
    assert {entry.uid: entry.pods for entry in roster.tests} == pods


def of_watch(steps: list[tuple[str, int]], *, is_lossy: bool) -> list[tuple[str, int]]:
    """The steps of a server whose watch is_lossy that things are gone, or never does."""
    return steps if is_lossy else [("delete" if step == "lose" else step, choice) for step, choice in steps]
