"""Each line of the four outcomes, as an answer is judged."""

import json
from typing import Any

import pytest

from loadgen.answers.judging import AnswerJudgement, AnswerPaths, HttpAnswer, Marker, judge, printable_text
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of

PATHS = AnswerPaths(marker="load_test_mode", count="processed_count", nonce="load_test_nonce")
GOOD: dict[str, Any] = {"success": True, "load_test_mode": True, "processed_count": 7, "load_test_nonce": "n1"}


def judged(body: Any, status: int = 200, *, rows: int = 7, paths: AnswerPaths = PATHS) -> AnswerJudgement:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return judge(HttpAnswer(status, {}, content), rows, "n1", paths)


@pytest.mark.parametrize("status", [200, 201, 202, 207, 299])
def test_a_2xx_with_a_true_marker_and_the_right_count_is_accepted(status: int) -> None:
    judgement = judged(GOOD, status)

    assert judgement.error is None
    assert judgement.records_confirmed == 7
    assert judgement.is_echoed


def test_an_answer_without_the_field_success_is_accepted() -> None:
    body = {"load_test_mode": True, "processed_count": 7}

    assert judged(body).error is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Thank you</html>",
        b'"load_test_mode"',
        b"[true]",
        b'{"load_test_mode": true',
        b"\xff\xfe\x00broken",
        b"[" * 100_000,
        b'{"load_test_mode": false, "load_test_mode": true, "processed_count": 7}',
        {},
        {"success": True, "processed_count": 7},
        {"LOAD_TEST_MODE": True, "processed_count": 7},
    ],
)
def test_a_2xx_without_a_marker_is_a_violation(body: Any) -> None:
    judgement = judged(body)

    assert judgement.error is ErrorKind.MARKER_MISSING
    assert judgement.marker is Marker.ABSENT
    assert judgement.records_confirmed == 0


@pytest.mark.parametrize("marker", [False, None, 1, "true", "True", [True], {"value": True}])
def test_only_the_json_value_true_is_a_true_marker(marker: Any) -> None:
    judgement = judged({**GOOD, "load_test_mode": marker})

    assert judgement.error is ErrorKind.MARKER_MISSING
    assert judgement.marker is Marker.NOT_TRUE


def test_a_2xx_that_cannot_be_read_is_a_violation_with_the_reason() -> None:
    answer = HttpAnswer(200, {}, json.dumps(GOOD).encode(), unreadable="the body is longer than 1 MiB")

    judgement = judge(answer, 7, "n1", PATHS)

    assert judgement.error is ErrorKind.UNREADABLE
    assert outcome_of(judgement.error) is Outcome.VIOLATION
    assert judgement.detail.endswith("(the body is longer than 1 MiB)")


def test_a_refusal_that_cannot_be_read_counts_by_its_status() -> None:
    judgement = judge(HttpAnswer(413, {}, b"", unreadable="the body is encoded as br"), 7, "n1", PATHS)

    assert judgement.error is ErrorKind.TOO_LARGE
    assert judgement.detail == "answered 413 (the body is encoded as br)"


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 399])
def test_any_3xx_is_a_violation_whatever_it_says(status: int) -> None:
    judgement = judged(GOOD, status)

    assert judgement.error is ErrorKind.REDIRECT
    assert outcome_of(judgement.error) is Outcome.VIOLATION


def test_a_redirect_names_where_it_leads() -> None:
    judgement = judge(HttpAnswer(302, {"Location": "/login/?next=/"}, b""), 7, "n1", PATHS)

    assert judgement.detail == "redirected (302) to /login/?next=/"


def test_success_false_under_a_true_marker_is_rejected() -> None:
    judgement = judged({**GOOD, "success": False})

    assert judgement.error is ErrorKind.UNSUCCESSFUL
    assert outcome_of(judgement.error) is Outcome.REJECTED
    assert judgement.records_confirmed == 0


def test_success_false_without_a_marker_is_a_violation() -> None:
    assert judged({"success": False}).error is ErrorKind.MARKER_MISSING


@pytest.mark.parametrize("count", [6, 8, 0, -7, 7.5, "7", None, True, [7]])
def test_another_count_than_the_rows_sent_is_miscounted(count: Any) -> None:
    judgement = judged({**GOOD, "processed_count": count})

    assert judgement.error is ErrorKind.MISCOUNTED
    assert judgement.records_confirmed == 0


def test_an_absent_count_is_miscounted() -> None:
    assert judged({"load_test_mode": True}).error is ErrorKind.MISCOUNTED


def test_a_true_count_of_one_row_is_not_the_number_one() -> None:
    assert judged({**GOOD, "processed_count": True}, rows=1).error is ErrorKind.MISCOUNTED


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ErrorKind.CLIENT_ERROR),
        (401, ErrorKind.UNAUTHORIZED),
        (403, ErrorKind.FORBIDDEN),
        (404, ErrorKind.NOT_FOUND),
        (405, ErrorKind.CLIENT_ERROR),
        (409, ErrorKind.CLIENT_ERROR),
        (413, ErrorKind.TOO_LARGE),
        (422, ErrorKind.CLIENT_ERROR),
        (429, ErrorKind.THROTTLED),
        (499, ErrorKind.CLIENT_ERROR),
        (500, ErrorKind.SERVER_ERROR),
        (502, ErrorKind.SERVER_ERROR),
        (503, ErrorKind.SERVER_ERROR),
        (599, ErrorKind.SERVER_ERROR),
    ],
)
def test_each_error_status_is_rejected_with_its_kind(status: int, kind: ErrorKind) -> None:
    judgement = judged(GOOD, status)

    assert judgement.error is kind
    assert outcome_of(judgement.error) is Outcome.REJECTED
    assert judgement.marker is None


@pytest.mark.parametrize("status", [101, 600, 999])
def test_a_status_that_http_does_not_know_leaves_the_upload_unknown(status: int) -> None:
    judgement = judged(GOOD, status)

    assert judgement.error is ErrorKind.BAD_ANSWER
    assert outcome_of(judgement.error) is Outcome.UNKNOWN


def test_marker_count_and_nonce_may_lie_deeper_in_the_answer() -> None:
    paths = AnswerPaths(marker="meta.dry_run", count="meta.rows.ok", nonce="meta.nonce")
    body = {"meta": {"dry_run": True, "rows": {"ok": 7}, "nonce": "n1"}}

    judgement = judged(body, paths=paths)

    assert judgement.error is None
    assert judgement.is_echoed


def test_a_path_through_what_is_no_object_is_absent() -> None:
    paths = AnswerPaths(marker="load_test_mode.deep", count="processed_count", nonce="n")

    assert judged(GOOD, paths=paths).marker is Marker.ABSENT


def test_another_nonce_is_not_an_echo() -> None:
    assert not judged({**GOOD, "load_test_nonce": "n2"}).is_echoed


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "load_test_nonce": "n2"},
        {name: value for name, value in GOOD.items() if name != "load_test_nonce"},
        {**GOOD, "load_test_nonce": None, "success": False},
        {**GOOD, "load_test_nonce": "n2", "processed_count": 3},
    ],
)
def test_where_the_nonce_must_return_a_2xx_without_it_is_a_violation(body: dict[str, Any]) -> None:
    judgement = judge(HttpAnswer(200, {}, json.dumps(body).encode()), 7, "n1", PATHS, must_echo=True)

    assert judgement.error is ErrorKind.NONCE_MISSING
    assert outcome_of(judgement.error) is Outcome.VIOLATION
    assert judgement.records_confirmed == 0
    assert "load_test_nonce is" in judgement.detail


def test_where_the_nonce_must_return_an_answer_with_it_and_an_error_status_are_judged_as_ever() -> None:
    accepted = judge(HttpAnswer(200, {}, json.dumps(GOOD).encode()), 7, "n1", PATHS, must_echo=True)
    failed = judge(HttpAnswer(503, {}, b"busy"), 7, "n1", PATHS, must_echo=True)

    assert (accepted.error, accepted.is_echoed) == (None, True)
    assert failed.error is ErrorKind.SERVER_ERROR


def test_the_detail_quotes_at_most_200_printable_characters() -> None:
    judgement = judged(b"a\x1b[31m\nb" + b"x" * 500, 500)

    assert "\x1b" not in judgement.detail
    assert "\n" not in judgement.detail
    assert judgement.detail.endswith("...")
    assert len(judgement.detail) < 230


def test_a_short_text_is_shown_whole() -> None:
    assert printable_text("Côté " * 3) == "Côté Côté Côté "


@pytest.mark.parametrize(
    ("expected", "count", "confirmed"),
    [
        ("sent", 7, 7),
        ("sent", 5, None),
        ("valid", 5, 5),
        ("valid", 7, None),
        ("any", 3, 3),
        ("any", 0, 0),
        ("any", 8, 0),
        ("any", -1, 0),
        ("any", True, 0),
        ("any", "5", 0),
    ],
)
def test_the_count_is_held_against_what_the_target_is_said_to_count(
    expected: Any, count: Any, confirmed: int | None
) -> None:
    paths = AnswerPaths("load_test_mode", "processed_count", "load_test_nonce", expected)
    answer = HttpAnswer(200, {}, json.dumps({**GOOD, "processed_count": count}).encode())

    judgement = judge(answer, 7, "n1", paths, valid_rows=5)

    assert judgement.error is (ErrorKind.MISCOUNTED if confirmed is None else None)
    assert judgement.records_confirmed == (confirmed or 0)


def test_a_count_that_does_not_matter_may_be_absent_but_the_marker_may_not() -> None:
    paths = AnswerPaths("load_test_mode", "processed_count", "load_test_nonce", "any")

    assert judged({"load_test_mode": True}, paths=paths).error is None
    assert judged({"processed_count": 7}, paths=paths).error is ErrorKind.MARKER_MISSING


def test_a_wrong_count_of_valid_rows_is_told_beside_the_rows_sent() -> None:
    paths = AnswerPaths("load_test_mode", "processed_count", "load_test_nonce", "valid")

    judgement = judge(HttpAnswer(200, {}, json.dumps(GOOD).encode()), 7, "n1", paths, valid_rows=5)

    assert "(processed_count is 7, 7 rows were sent, 5 of them valid)" in judgement.detail


@pytest.mark.parametrize(
    ("members", "rows", "advice"),
    [
        ({"imported": 7}, 7, "; the answer has imported: 7; is that the count? Set spec.target.response.count)"),
        ({"imported": 0, "is_new": False}, 0, "; the answer has imported: 0; is that the count? Set"),
        ({"result": {"imported": 7}}, 7, "; the answer has result.imported: 7; is that the count? Set"),
        ({"imported": 7, "load_test": {"writes_prevented": 7}}, 7, "; the answer has imported: 7; is that the count?"),
        ({"rows": 7, "new": 7, "all": 7}, 7, "; the answer has rows: 7 and new: 7; is one of them the count? Set"),
        ({"imported": 6, "a b": 7, "text": "7", "share": 7.0}, 7, "(processed_count is absent, 7 rows were sent)"),
        ({"processed_count": 6, "read": 7}, 7, "(processed_count is 6, 7 rows were sent)"),
    ],
)
def test_an_answer_without_the_count_is_searched_for_a_number_that_fits(
    members: dict[str, Any], rows: int, advice: str
) -> None:
    paths = AnswerPaths("load_test_mode", "processed_count", "load_test_nonce")
    answer = HttpAnswer(200, {}, json.dumps({"load_test_mode": True, **members}).encode())

    judgement = judge(answer, rows, "n1", paths)

    assert judgement.error is ErrorKind.MISCOUNTED
    assert advice in judgement.detail
