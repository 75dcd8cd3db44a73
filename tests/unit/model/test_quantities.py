"""Texts that do not fit lose what is between their beginning and their end."""

from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.quantities import clip_middle


@given(st.text(max_size=400), st.integers(30, 300))
def test_a_clipped_text_keeps_its_beginning_and_its_end(text: str, length: int) -> None:
    clipped = clip_middle(text, length)

    assert len(clipped) <= length
    assert clipped == text or (text.startswith(clipped[:10]) and text.endswith(clipped[-15:]) and "..." in clipped)


def test_the_row_to_remove_outlives_a_long_answer() -> None:
    advice = "The canary with client_id 48H0RBGCV500EB0G5VNF may be stored; remove it from the target."

    assert clip_middle(f"10.0.0.7:8000 (canary, 1 row): {'<html>' * 100}. {advice}", 200).endswith(advice)
