"""A spec's read-back, and what of it is refused."""

from typing import Any

import pytest

from loadtest_model.plan import PlanError
from support.builders import a_plan

COUNT_URL = "http://clients.shop.svc:8000/clients/count/"
LOOK_UP_URL = f"{COUNT_URL}?client_id={{client_id}}"


def read_back_plan(require: str = "Proven", **read_back: Any) -> Any:
    return a_plan(verification={"require": require, "readBack": read_back}).read_back


def test_without_a_read_back_there_is_none() -> None:
    assert a_plan().read_back is None
    assert a_plan().ending_seconds == 0


def test_a_count_needs_no_more_than_where_it_stands() -> None:
    plan = read_back_plan(url=COUNT_URL, countPath="count")

    assert not plan.looks_up
    assert plan.sends_token
    assert (plan.settle_seconds, plan.timeout_seconds, plan.ending_seconds) == (5, 30, 65)


def test_a_look_up_is_told_by_the_client_id_in_its_url() -> None:
    plan = read_back_plan(url=LOOK_UP_URL, control={"clientId": "C1"}, auth="None", settle="1m", timeout="10s")

    assert plan.looks_up
    assert plan.control_client_id == "C1"
    assert not plan.sends_token
    assert plan.ending_seconds == 80


@pytest.mark.parametrize(
    "fields", [{"drop": ["client_id"]}, {"add": [{"name": "client_id", "kind": "unique", "width": 8}]}]
)
def test_a_look_up_of_rows_whose_client_id_no_file_has_is_refused(fields: dict[str, Any]) -> None:
    looking_up = {"require": "Proven", "readBack": {"url": LOOK_UP_URL, "control": {"clientId": "C1"}}}
    counting = {"require": "Proven", "readBack": {"url": COUNT_URL, "countPath": "count"}}

    with pytest.raises(PlanError, match="leaves the client_id out of the files") as refusal:
        a_plan(verification=looking_up, records={"fields": fields})

    assert refusal.value.reason == "ReadBackInvalid"
    assert a_plan(verification=counting, records={"fields": fields}).read_back is not None
