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


@pytest.mark.parametrize("fields", [{"drop": ["client_id"]}, {"only": ["email"]}])
def test_a_look_up_of_rows_whose_client_id_no_file_has_is_refused(fields: dict[str, Any]) -> None:
    looking_up = {"require": "Proven", "readBack": {"url": LOOK_UP_URL, "control": {"clientId": "C1"}}}
    counting = {"require": "Proven", "readBack": {"url": COUNT_URL, "countPath": "count"}}

    with pytest.raises(PlanError, match="leaves the client_id out of the files") as refusal:
        a_plan(verification=looking_up, records={"fields": fields})

    assert refusal.value.reason == "ReadBackInvalid"
    assert a_plan(verification=counting, records={"fields": fields}).read_back is not None


SKU = {"name": "sku code", "kind": "pattern", "pattern": "??-#####", "unique": True}


@pytest.mark.parametrize(
    ("placeholder", "fields", "column"),
    [
        ("client_id", {}, ""),
        ("number", {"rename": {"client_id": "number"}}, ""),
        ("client_id", {"rename": {"client_id": "number"}}, ""),
        ("email", {"drop": ["client_id"]}, "email"),
        ("e_mail", {"rename": {"email": "e_mail"}}, "e_mail"),
        ("sku%20code", {"only": [], "add": [SKU]}, "sku code"),
        ("client_id", {"add": [{"name": "client_id", "kind": "unique", "width": 8}]}, "client_id"),
    ],
)
def test_rows_are_looked_up_by_any_column_whose_values_are_unique(
    placeholder: str, fields: dict[str, Any], column: str
) -> None:
    read_back = {"url": f"{COUNT_URL}?k={{{placeholder}}}", "control": {"value": "K 1"}}

    plan = a_plan(verification={"readBack": read_back}, records={"fields": fields}).read_back

    assert plan is not None
    assert (plan.looks_up, plan.column, plan.control_client_id) == (True, column, "K 1")


@pytest.mark.parametrize(
    ("placeholder", "fields", "problem"),
    [
        ("city", {}, "looks rows up by 'city', whose values are not unique"),
        ("sku code", {"add": [{**SKU, "nullShare": 0.1}]}, "whose values are not unique"),
        ("sku code", {"add": [{**SKU, "unique": False}]}, "whose values are not unique"),
        ("sku_code", {"add": [SKU]}, "which is no column of the file; did you mean sku code"),
    ],
)
def test_a_look_up_by_another_column_is_refused(placeholder: str, fields: dict[str, Any], problem: str) -> None:
    read_back = {"url": f"{COUNT_URL}?k={{{placeholder.replace(' ', '%20')}}}", "control": {"value": "K"}}

    with pytest.raises(PlanError, match=problem):
        a_plan(verification={"readBack": read_back}, records={"fields": fields})
