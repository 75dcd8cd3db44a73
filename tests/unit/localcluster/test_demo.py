"""What the demo says at its end."""

from typing import Any

import pytest

from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.views.style import Style
from localcluster.demo import result_lines

SATURATED = "custom: response time rises with load: from 2 to 4 virtual users the median goes from 134 ms to 298 ms"


def end_text(level: str, *evidence: str, rows_after: int = 0) -> str:
    status: dict[str, Any] = {"verdict": "Passed", "health": {"level": level, "evidence": list(evidence)}}
    test = LoadTest({"metadata": {"name": "demo", "namespace": "default"}, "spec": {}, "status": status})
    return "\n".join(result_lines(test, 0, rows_after, Style()))


def test_a_warning_of_a_small_machine_keeps_its_sign_and_says_what_it_means() -> None:
    text = end_text("Warning", SATURATED)

    assert "Health      Warning" in text
    assert SATURATED in text
    assert "does not change the verdict" in text
    assert "machine is small" in text


@pytest.mark.parametrize(("level", "evidence"), [("Good", ()), ("Warning", ("custom: 3 uploads timed out",))])
def test_other_health_is_not_put_down_to_the_machine(level: str, evidence: tuple[str, ...]) -> None:
    assert "machine" not in end_text(level, *evidence)


def test_the_rows_of_the_target_are_told_before_and_after() -> None:
    assert "0 before, 3 after" in end_text("Good", rows_after=3)
