"""What the demo says at its end."""

import io
from typing import Any

import pytest
from rich.console import Console

from localcluster.view import result_view

SATURATED = "custom: response time rises with load: from 2 to 4 virtual users the median goes from 134 ms to 298 ms"


def printed(level: str, *evidence: str) -> str:
    status: dict[str, Any] = {"verdict": "Passed", "health": {"level": level, "evidence": list(evidence)}}
    console = Console(file=io.StringIO(), width=200)
    console.print(
        result_view({"metadata": {"name": "demo", "namespace": "default"}, "spec": {}, "status": status}, 0, 0)
    )
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_warning_of_a_small_machine_keeps_its_sign_and_says_what_it_means() -> None:
    text = printed("Warning", SATURATED)

    assert "Health: Warning" in text
    assert SATURATED in text
    assert "does not change the verdict" in text
    assert "the machine is small" in text


@pytest.mark.parametrize(("level", "evidence"), [("Good", ()), ("Warning", ("custom: 3 uploads timed out",))])
def test_other_health_is_not_put_down_to_the_machine(level: str, evidence: tuple[str, ...]) -> None:
    assert "machine" not in printed(level, *evidence)
