"""Whatever a target answers, only a true marker makes an acceptance, and every answer has one outcome."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loadgen.answers.judging import AnswerPaths, HttpAnswer, Marker, judge
from loadtest_model.measurement.outcomes import Outcome, outcome_of

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
