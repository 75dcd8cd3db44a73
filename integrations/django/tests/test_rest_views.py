"""Views of Django REST framework under the guard."""

import pytest
from django.test import Client

from guard_requests import fresh_number, headers, post
from guard_rows import stored_customers


@pytest.mark.parametrize("view", ["api_view", "api_class"])
def test_a_view_confirms_and_nothing_is_stored(client: Client, token: str, view: str) -> None:
    before = stored_customers()

    answer = post(client, view, token, Accept="application/json")

    assert answer.status_code in (200, 201)
    assert (answer.json()["load_test_mode"], answer.json()["processed_count"]) == (True, 1)
    assert answer.json()["load_test"]["writes_prevented"] == 1
    assert stored_customers() == before


def test_a_view_set_confirms_and_keeps_its_shape(client: Client, token: str) -> None:
    before, number = stored_customers(), fresh_number()

    answer = client.post("/api_view_set/", {"number": number}, headers={**headers(token), "Accept": "application/json"})

    assert answer.status_code == 201
    assert (answer.json()["number"], answer.json()["load_test_mode"]) == (number, True)
    assert stored_customers() == before


def test_a_view_with_tokens_of_its_own_takes_the_guards_in_a_header_of_its_own(client: Client, token: str) -> None:
    own = {"Authorization": "Bearer of-the-service", "Accept": "application/json"}

    assert post(client, "api_with_a_token", token).status_code in (401, 403)
    answer = post(client, "api_with_a_token", None, **{**own, "Load-Test-Token": token})

    assert answer.json()["load_test_mode"] is True
