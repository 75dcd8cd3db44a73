"""Whatever a target answers, only a true marker makes an acceptance, and every answer has one outcome."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loadgen.answers.judging import AnswerPaths, HttpAnswer, Marker, judge
from loadgen.answers.known_answers import KnownAnswers
from loadtest_model.measurement.outcomes import Outcome, outcome_of
from loadtest_model.spec.target import ExpectCount

PATHS = AnswerPaths(marker="load_test_mode", count="processed_count", nonce="load_test_nonce")
VALUES = st.none() | st.booleans() | st.integers(-2, 12) | st.floats(allow_nan=False) | st.text(max_size=5)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"load_test_mode": VALUES, "processed_count": VALUES, "success": VALUES, "more": VALUES}
)


@given(st.integers(100, 999), DOCUMENTS, st.integers(0, 10))
def test_an_acceptance_is_a_2xx_with_a_true_marker_the_right_count_and_no_failure(
    status: int, document: dict[str, Any], rows: int
) -> None:
    judgement = judge(HttpAnswer(status, {}, json.dumps(document).encode()), rows, "n", PATHS)

    count = document.get("processed_count")
    acceptable = (
        status // 100 == 2
        and document.get("load_test_mode") is True
        and document.get("success") is not False
        and type(count) is int
        and count == rows
    )
    assert (judgement.error is None) == acceptable
    assert judgement.records_confirmed == (rows if acceptable else 0)


@given(st.integers(200, 399), st.binary(max_size=60) | DOCUMENTS.map(lambda each: json.dumps(each).encode()))
def test_a_2xx_without_a_true_marker_and_any_3xx_is_a_violation_and_nothing_else_is(status: int, body: bytes) -> None:
    judgement = judge(HttpAnswer(status, {}, body), 1, "n", PATHS)

    broken = status >= 300 or judgement.marker is not Marker.TRUE
    assert (outcome_of(judgement.error) is Outcome.VIOLATION) == broken


@given(st.integers(400, 599), st.binary(max_size=60))
def test_every_error_status_is_a_rejection_that_quotes_the_answer(status: int, body: bytes) -> None:
    judgement = judge(HttpAnswer(status, {}, body), 1, "n", PATHS)

    assert outcome_of(judgement.error) is Outcome.REJECTED
    assert str(status) in judgement.detail
    assert judgement.detail.isprintable()


BODIES = st.sampled_from(
    [
        json.dumps({"load_test_mode": True, "processed_count": 1, "load_test_nonce": value}).encode()
        for value in ("n1", "n2", None)
    ]
)
UPLOADS = st.tuples(
    st.builds(HttpAnswer, st.sampled_from([200, 201, 302]), st.just({}), BODIES, st.sampled_from(["", "", "snappy"])),
    st.integers(1, 2),
    st.integers(1, 2),
    st.sampled_from(["n1", "n2"]),
    st.sampled_from([False, False, True]),
)


@given(st.lists(UPLOADS, min_size=20, max_size=40), st.sampled_from(ExpectCount))
def test_an_answer_that_came_before_is_judged_as_if_it_had_not(
    uploads: list[tuple[HttpAnswer, int, int, str, bool]], expect_count: ExpectCount
) -> None:
    paths = replace(PATHS, expect_count=expect_count)
    known_answers = KnownAnswers(paths)
    for answer, rows, valid_rows, nonce, must_echo in uploads:
        known = known_answers.judge(answer, rows, nonce, valid_rows, must_echo=must_echo)
        assert known == judge(answer, rows, nonce, paths, valid_rows, must_echo=must_echo)


def test_a_target_whose_answers_all_differ_is_judged_as_well() -> None:
    known_answers = KnownAnswers(PATHS)
    for number in range(2_000):
        body = json.dumps({"load_test_mode": True, "processed_count": 1 + number // 1_500, "id": number}).encode()
        judgement = known_answers.judge(HttpAnswer(200, {}, body), 1, "n", 1)
        assert (judgement.error is None) == (number < 1_500)
