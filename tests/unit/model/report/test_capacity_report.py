"""What a climb came to, in the places where people and programs read it."""

import re
from xml.etree import ElementTree as Xml

import pytest

from loadgen.screen.closing import closing_text
from loadtest_model.judgement.capacity import CapacityLimit
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.report.capacity import (
    StatusCapacity,
    capacity_column,
    capacity_lines,
    capacity_summary,
    status_capacity,
)
from loadtest_model.report.glance import glance_of
from loadtest_model.report.junit import junit_xml
from loadtest_model.report.markdown import summary_markdown
from loadtest_model.report.status import Status
from loadtest_model.spec.capacity import ClimbBy
from support.climbs import a_climb, a_plateau, found
from support.report_cases import climbed, with_summary

FOUND = StatusCapacity(by=ClimbBy.VIRTUAL_USERS, held=14.0, uploads_per_second=5.125, records_per_second=5_125.0)


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({"held": 14.0}, "14 VUs"),
        ({"held": 1.0}, "1 VU"),
        ({"held": 50.0, "at_least": True}, ">=50 VUs"),
        ({"held": 14.7, "by": ClimbBy.ARRIVAL_RATE}, "14.7/s"),
        ({"held": None}, ""),
    ],
)
def test_the_column_is_short(fields: dict[str, object], column: str) -> None:
    assert capacity_column(StatusCapacity(**{"by": ClimbBy.VIRTUAL_USERS, **fields})) == column  # type: ignore[arg-type]


def test_the_lines_say_at_least_only_where_the_target_was_not_the_limit() -> None:
    at_least = StatusCapacity(
        by=ClimbBy.VIRTUAL_USERS, held=14.0, at_least=True, limited_by=CapacityLimit.GENERATOR, limit="it lagged"
    )

    assert capacity_lines(FOUND) == ("14 virtual users held: 5.125 uploads/s, 5,125 records/s",)
    assert capacity_lines(at_least)[0].startswith("at least 14 virtual users held")
    assert capacity_lines(at_least)[1] == "limited by the generator: it lagged"


def test_a_knee_in_doubt_is_told_as_one() -> None:
    summary = capacity_summary(found(a_climb(), *map(a_plateau, (100, 200, 400, 580))))
    assert summary is not None

    assert (summary.knee, summary.knee_in_doubt) == (4, True)
    assert "throughput hardly grows above 4 virtual users (the knee), which may be chance" in capacity_lines(summary)


def test_a_knee_that_may_lie_below_the_climb_is_not_told_as_one() -> None:
    flat = [a_plateau(400)] * 3
    summary = capacity_summary(found(a_climb(**{"from": 20, "to": 80, "factor": 2}), *flat))
    from_one = capacity_summary(found(a_climb(**{"from": 1, "to": 4, "factor": 2}), *flat))
    assert summary is not None
    assert from_one is not None

    assert summary.knee is None
    assert "the knee is there or below; lower spec.load.capacity.from to find it" in summary.notice
    assert from_one.knee == 1
    assert "the knee is there or below" not in from_one.notice


def test_what_is_of_one_plateau_and_what_of_the_whole_climb_says_so() -> None:
    summary = climbed().summary
    held = summary.capacity.held if summary.capacity is not None else None

    terminal, markdown = closing_text(summary), summary_markdown(summary)

    assert [
        result.note for result in summary.thresholds if not result.note.startswith(f"at {held:g} virtual users")
    ] == []
    assert re.search(r"^Times +whole climb +avg ", terminal, re.MULTILINE)
    assert "| response time of the whole climb | average " in markdown
    assert f"; at {held:g} virtual users" in markdown


def test_short_plateaus_are_named_in_the_status_and_wherever_the_capacity_is_told() -> None:
    summary = capacity_summary(found(a_climb(), a_plateau(100)))
    status = status_capacity(summary)

    assert status is not None
    assert status.notice.startswith("plateaus of 10 s are short beside p95 < 2s")
    assert status.notice in capacity_lines(status)


def notices_of(plan: Plan, *plateaus: StepAggregate) -> str:
    return " ".join(found(plan, *plateaus).notices)


@pytest.mark.parametrize("capacity", [{}, {"by": ClimbBy.ARRIVAL_RATE}])
def test_that_plateaus_have_few_uploads_is_said_only_where_one_had(capacity: dict[str, object]) -> None:
    plan = a_climb(**capacity)

    assert "fewer than 20 uploads" not in notices_of(plan, a_plateau(100), a_plateau(200))
    assert "fewer than 20 uploads" in notices_of(plan, a_plateau(19), a_plateau(200))


def test_the_status_has_all_but_the_plateaus() -> None:
    summary = climbed().summary.capacity
    assert summary is not None

    status = status_capacity(summary)

    assert status is not None
    assert (status.held, status.knee, status.required) == (2, 2, 2)
    assert (status.limited_by, status.at_least) == (CapacityLimit.THRESHOLD, False)
    assert not hasattr(status, "plateaus")


def test_the_story_of_a_climb_begins_with_what_it_found() -> None:
    lines = glance_of(Status(verdict=climbed().summary.verdict, capacity=FOUND))

    assert lines[1] == "Capacity: 14 virtual users held: 5.125 uploads/s, 5,125 records/s"


def test_the_closing_lines_of_a_climb_tell_it() -> None:
    text = closing_text(climbed().summary)

    assert "Capacity    2 virtual users held: 20 uploads/s, 200 records/s" in text
    assert "            - the required load of 2 virtual users held" in text


def junit_case(at_least: bool, held: float | None) -> Xml.Element:
    case = climbed()
    capacity = case.summary.capacity
    assert capacity is not None
    fields = {name: getattr(capacity, name) for name in capacity.__struct_fields__}
    changed = type(capacity)(**{**fields, "at_least": at_least, "held": held})
    suites = Xml.fromstring(junit_xml(with_summary(case, capacity=changed).summary))
    return next(each for each in suites.iter("testcase") if each.get("name") == "capacity")


def test_continuous_integration_sees_whether_the_required_load_held() -> None:
    assert [child.tag for child in junit_case(False, 2.0)] == ["system-out"]
    assert [child.tag for child in junit_case(False, 1.0)] == ["failure", "system-out"]
    assert [child.tag for child in junit_case(True, 1.0)] == ["skipped", "system-out"]
    assert [child.tag for child in junit_case(False, None)] == ["failure", "system-out"]


def test_continuous_integration_can_chart_the_capacity() -> None:
    suites = Xml.fromstring(junit_xml(climbed().summary))

    properties = {each.get("name"): each.get("value") for each in suites.iter("property")}
    assert {name: properties[name] for name in ("capacity", "capacity_by", "capacity_at_least", "capacity_knee")} == {
        "capacity": "2",
        "capacity_by": "virtualUsers",
        "capacity_at_least": "false",
        "capacity_knee": "2",
    }
    assert not {"p95_seconds", "p99_seconds"} & properties.keys(), "all plateaus together say nothing of one load"
