"""What people are told of each cause."""

import pytest

from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.causes import Cause


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_is_explained_in_words_that_fit(cause: Cause) -> None:
    explanation = explanation_of(cause)

    assert 5 < len(explanation.title) <= 60
    assert not explanation.title.endswith(".")
    assert explanation.meaning.endswith(".")
    assert explanation.next_step.endswith(".")
    assert len(explanation.next_step) <= 512
