"""The answer: the view's own where it is a JSON object, and what the contract asks for beside it."""

from django.test import Client

from guard_requests import post
from guard_rows import stored_customers


def test_the_shape_of_the_view_stays_and_the_contract_stands_beside_it(client: Client, token: str) -> None:
    body = post(client, "own_shape", token).json()

    assert body["result"] == {"imported": 1}
    assert body["load"] is True
    assert (body["load_test_mode"], body["load_test_nonce"]) == (True, "5f3a")
    assert "processed_count" not in body


def test_the_count_comes_from_a_path_in_the_answer_or_from_a_function(client: Client, token: str) -> None:
    assert post(client, "own_shape_with_path", token).json()["processed_count"] == 1
    assert post(client, "own_shape_with_function", token).json()["processed_count"] == 7


def test_a_redirect_after_the_work_becomes_a_confirmation_with_the_count_that_the_view_told(
    client: Client, token: str
) -> None:
    answer = post(client, "redirects", token)

    assert answer.status_code == 200
    assert (answer.json()["load_test_mode"], answer.json()["processed_count"]) == (True, 1)


def test_a_redirect_without_a_count_stays_one(client: Client, token: str) -> None:
    answer = post(client, "redirects_without_a_count", token)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/login/")


def test_an_answer_that_was_compressed_is_confirmed_too(client: Client, token: str) -> None:
    answer = post(client, "long_answer", token, **{"Accept-Encoding": "gzip"})

    assert answer.json()["text"] == "x" * 5000
    assert answer.json()["load_test_mode"] is True
    assert "Content-Encoding" not in answer.headers
    assert "Content-Length" not in answer.headers or answer.headers["Content-Length"] == str(len(answer.content))


def test_an_error_of_the_view_stays_as_it_is(client: Client, token: str) -> None:
    answer = post(client, "refuses_rows", token)

    assert (answer.status_code, answer.json()) == (400, {"success": False, "errors": ["row 3"]})


def test_a_nonce_that_was_not_sent_does_not_come_back(client: Client, token: str) -> None:
    answer = post(client, "plain", token, **{"X-Load-Test-Nonce": ""})

    assert "load_test_nonce" not in answer.json()


def test_the_headers_tell_queries_and_time_in_the_database(client: Client, token: str) -> None:
    before = stored_customers()

    answer = post(client, "bulk", token)

    assert answer.headers["X-Load-Test-Queries"] == str(answer.json()["load_test"]["queries"])
    assert float(answer.headers["X-Load-Test-Database-Time"]) > 0
    assert answer.json()["load_test"]["writes_prevented"] == 50
    assert stored_customers() == before
