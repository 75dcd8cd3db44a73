"""A spec's read-back, and what of it is refused."""

from typing import Any

import pytest

from loadtest_model.plan import PlanError
from support.builders import a_plan

COUNT_URL = "http://clients.shop.svc:8000/clients/count/"
LOOK_UP_URL = f"{COUNT_URL}?client_id={{client_id}}"


def planned(require: str = "Proven", **read_back: Any) -> Any:
    return a_plan(verification={"require": require, "readBack": read_back}).read_back


def test_without_a_read_back_there_is_none() -> None:
    assert a_plan().read_back is None
    assert a_plan().ending_seconds == 0


def test_a_count_needs_no_more_than_where_it_stands() -> None:
    plan = planned(url=COUNT_URL, countPath="count")

    assert not plan.looks_up
    assert plan.sends_token
    assert (plan.settle_seconds, plan.timeout_seconds, plan.ending_seconds) == (5, 30, 65)


def test_a_look_up_is_told_by_the_client_id_in_its_url() -> None:
    plan = planned(url=LOOK_UP_URL, control={"clientId": "C1"}, auth="None", settle="1m", timeout="10s")

    assert plan.looks_up
    assert plan.control_client_id == "C1"
    assert not plan.sends_token
    assert plan.ending_seconds == 80


def test_proven_without_a_read_back_is_refused() -> None:
    with pytest.raises(PlanError, match="readBack is missing") as refused:
        a_plan(verification={"require": "Proven"})

    assert refused.value.reason == "ReadBackMissing"


@pytest.mark.parametrize(
    ("read_back", "reason", "told"),
    [
        ({"url": COUNT_URL}, "ReadBackInvalid", "countPath is missing"),
        ({"url": LOOK_UP_URL}, "ReadBackInvalid", "control is missing"),
        ({"url": COUNT_URL, "countPath": "count", "control": {}}, "ReadBackInvalid", "either clientId or url"),
        (
            {"url": LOOK_UP_URL, "countPath": "count", "control": {"clientId": "C1", "url": COUNT_URL}},
            "ReadBackInvalid",
            "either clientId or url",
        ),
        ({"url": COUNT_URL, "countPath": "count", "control": {"clientId": "C1"}}, "ReadBackInvalid", "has no {client"),
        ({"url": LOOK_UP_URL, "control": {"url": COUNT_URL}}, "ReadBackInvalid", "countPath is missing"),
        ({"url": "http://clients:99999/", "countPath": "count"}, "InvalidURL", "readBack.url is http://clients:99999/"),
        ({"url": "ftp://clients/", "countPath": "count"}, "InvalidURL", "http or https"),
        ({"url": "http://{client_id}/", "control": {"clientId": "C1"}}, "InvalidURL", "not in its host"),
    ],
)
def test_a_read_back_that_could_show_nothing_is_refused(read_back: dict[str, Any], reason: str, told: str) -> None:
    with pytest.raises(PlanError) as refused:
        planned(require="Acknowledged", **read_back)

    assert refused.value.reason == reason
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "fields", [{"drop": ["client_id"]}, {"add": [{"name": "client_id", "kind": "unique", "width": 8}]}]
)
def test_a_look_up_of_rows_whose_client_id_no_file_has_is_refused(fields: dict[str, Any]) -> None:
    looking_up = {"require": "Proven", "readBack": {"url": LOOK_UP_URL, "control": {"clientId": "C1"}}}
    counting = {"require": "Proven", "readBack": {"url": COUNT_URL, "countPath": "count"}}

    with pytest.raises(PlanError, match="leaves the client_id out of the files") as refused:
        a_plan(verification=looking_up, records={"fields": fields})

    assert refused.value.reason == "ReadBackInvalid"
    assert a_plan(verification=counting, records={"fields": fields}).read_back is not None
