"""What is known of all tests from watches, lists and own writes."""

from datetime import timedelta
from typing import Any

import pytest

from loadtest_model.report.labels import RUN_LABEL, UID_LABEL
from loadtest_operator.observe.line_entries import Belongings
from loadtest_operator.observe.roster import Roster
from support.operator_builders import NOW

Json = dict[str, Any]


def a_test(uid: str, version: int = 1, status: Json | None = None, **spec: Any) -> Json:
    metadata = {"namespace": "shop", "name": uid, "uid": uid, "resourceVersion": str(version)}
    return {
        "metadata": {**metadata, "creationTimestamp": "2026-03-01T11:00:00Z"},
        "spec": {"target": {"url": "http://a/"}, "scenario": "light", **spec},
        "status": status or {},
    }


def a_pod(uid: str, version: int = 1, phase: str = "Running", **metadata: Any) -> Json:
    labels = {UID_LABEL: "test", RUN_LABEL: "1"}
    all_metadata = {"uid": uid, "name": uid, "resourceVersion": str(version), "labels": labels, **metadata}
    return {"metadata": all_metadata, "status": {"phase": phase}}


def test_what_is_known_already_is_no_news_and_no_change_of_the_line() -> None:
    roster = Roster()
    assert roster.see_test(a_test("a", version=2))
    version = roster.version

    assert not roster.see_test(a_test("a", version=2))
    assert not roster.see_test(a_test("a", version=1, suspend=True))
    assert roster.see_test(a_test("a", version=3, status={"progress": {"elapsedSeconds": 1}}))

    assert roster.version == version


@pytest.mark.parametrize(
    "change",
    [{"suspend": True}, {"stop": True}, {"concurrency": "Allow"}, {"parallelism": 2}, {"target": {"url": "http://b/"}}],
    ids=lambda change: next(iter(change)),
)
def test_what_the_line_depends_on_changes_it(change: Json) -> None:
    roster = Roster()
    roster.see_test(a_test("a"))
    version = roster.version

    roster.see_test(a_test("a", version=2, **change))

    assert roster.version > version
    assert roster.changed.is_set()


def test_versions_are_numbers_where_they_can_be() -> None:
    roster = Roster()
    roster.see_test(a_test("a", version=99))

    assert roster.see_test(a_test("a", version=100))
    assert not roster.see_test(a_test("a", version=99))


def test_a_pod_that_has_ended_or_that_nobody_will_ever_remove_is_none() -> None:
    roster = Roster()
    for uid in ("a", "b", "c"):
        roster.see_child(a_pod(uid), is_pod=True)
    deleted_at = (NOW - timedelta(minutes=2)).isoformat()

    roster.see_child(a_pod("a", version=2, phase="Succeeded"), is_pod=True)
    roster.see_child(a_pod("b", version=2, deletionTimestamp=deleted_at), is_pod=True)

    assert roster.belongings(NOW) == {"test": Belongings(pods=1)}
    roster.forget_child("c")
    assert roster.belongings(NOW) == {}


def test_a_list_says_of_which_tests_there_is_news() -> None:
    roster = Roster()
    for uid in ("same", "changed", "gone"):
        roster.see_test(a_test(uid))

    mark = roster.mark()
    news = roster.replace_tests([a_test("same"), a_test("changed", version=2), a_test("new")], mark)

    assert news == {("shop", "changed"), ("shop", "new"), ("shop", "gone")}


def test_a_name_leads_to_the_test_that_is_gone_until_it_is_forgotten() -> None:
    roster = Roster()
    roster.see_test(a_test("a"))

    roster.forget_test("a")

    assert roster.uid_of(("shop", "a")) == "a"
    assert roster.test("a") is None
    roster.forget_key(("shop", "a"))
    assert roster.uid_of(("shop", "a")) is None


def test_a_list_that_is_late_brings_back_nothing_that_a_later_one_has_ended_without() -> None:
    roster = Roster()
    roster.see_test(a_test("a"))
    late, late_mark = [a_test("a")], roster.mark()

    roster.forget_test("a")
    roster.replace_tests([], roster.mark())
    roster.replace_tests(late, late_mark)

    assert roster.test("a") is None


def test_targets_with_aliases_are_told_apart() -> None:
    roster = Roster()
    for uid, name in (("a", "one.example"), ("b", "two.example"), ("c", "one.example")):
        roster.see_test(a_test(uid, pod={"hostAliases": [{"ip": "10.0.0.1", "hostnames": [name]}]}))

    assert len({entry.target for entry in roster.tests}) == 2
