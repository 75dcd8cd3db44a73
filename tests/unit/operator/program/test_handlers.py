"""How kopf is told to watch."""

from typing import Any

import pytest

from loadtest_operator.observe.memory import Key
from loadtest_operator.observe.roster import Roster
from loadtest_operator.program.handlers import watching_registry, watching_settings


def test_watching_lives_through_ten_minutes_without_an_api_server() -> None:
    backoffs = watching_settings().networking.error_backoffs

    assert sum(backoffs) >= 600


def test_nothing_is_posted() -> None:
    assert not watching_settings().posting.enabled


@pytest.mark.parametrize(("version", "rung"), [("7", []), ("8", [("shop", "heavy")])])
async def test_the_echo_of_what_this_operator_wrote_asks_for_no_turn(version: str, rung: list[Key]) -> None:
    asked: list[Key] = []
    roster = Roster()
    roster.see_own_write(a_test("7"))
    registry = watching_registry(asked.append, roster, lambda _key: False)
    (handler,) = registry._watching.get_all_handlers()

    await handler.fn(body=a_test(version), type="MODIFIED")  # type: ignore[arg-type]

    assert asked == rung


def a_test(version: str) -> dict[str, Any]:
    metadata = {
        "namespace": "shop",
        "name": "heavy",
        "uid": "u",
        "resourceVersion": version,
        "creationTimestamp": "2026-03-01T11:00:00Z",
    }
    return {"metadata": metadata, "spec": {"target": {"url": "http://192.0.2.7/"}, "scenario": "light"}}
