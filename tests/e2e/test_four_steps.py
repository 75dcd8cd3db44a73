"""`scenario: all`: four steps in one test, each with a result and a verdict, the whole as bad as the worst."""

from typing import Any

import pytest

from localcluster.rest import Json
from support.loadtests import Namespace, condition

STEPS = ["light", "medium", "heavy", "stress"]
LOAD = {"batchSize": 100, "virtualUsers": 2, "duration": "2s"}


@pytest.fixture(scope="module")
def seen(namespace: Namespace) -> dict[str, Any]:
    """What the status said while the third step ran, at the end, and the results."""
    namespace.deploy_slow()
    namespace.until_available("clients")
    bounds = ["error_rate < 50%", "heavy.p95 < 10ms"]
    test = namespace.start("all", scenario="all", load=LOAD, thresholds=bounds, parallelism=2)
    third = test.until("the third step", lambda s: (s.get("progress") or {}).get("step") == "heavy")
    after = test.until("the fourth step", lambda s: (s.get("progress") or {}).get("step") == "stress")
    ended = test.until_completed()
    return {"third": third, "after": after, "ended": ended, "results": test.results(ended)}


def test_each_step_has_a_verdict_and_the_run_the_worst_of_them(seen: dict[str, Any]) -> None:
    steps: list[Json] = seen["ended"]["steps"]

    assert [(step["name"], step["verdict"]) for step in steps] == [
        ("light", "Passed"),
        ("medium", "Passed"),
        ("heavy", "Failed"),
        ("stress", "Passed"),
    ]
    assert seen["ended"]["verdict"] == "Failed"
    assert all(step["recordsConfirmed"] > 0 for step in steps)
    assert "heavy" in seen["ended"]["message"]


def test_the_results_have_each_step_in_full(seen: dict[str, Any]) -> None:
    summary = seen["results"]

    assert [step["name"] for step in summary["steps"]] == STEPS
    assert [step["verdict"] for step in summary["steps"]] == [step["verdict"] for step in seen["ended"]["steps"]]
    assert sum(step["requests"]["due"] for step in summary["steps"]) == summary["requests"]["due"]
    assert "p95 < 10ms" in summary["steps"][2]["reasons"][0]


def test_a_threshold_of_one_step_is_told_while_the_test_runs(seen: dict[str, Any]) -> None:
    def passed(status: Json, step: str) -> list[bool | None]:
        return [
            made.get("passed") for made in status["thresholds"] if made["step"] == step and "p95" in made["expression"]
        ]

    assert condition(seen["third"], "Running") == "True"
    assert passed(seen["after"], "heavy") == [False]
    assert passed(seen["ended"], "stress") == []
