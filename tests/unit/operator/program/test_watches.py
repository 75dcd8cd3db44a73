"""What becomes of the operator when the API server refuses what kopf watches for it."""

import asyncio
from contextlib import suppress
from typing import Any

import kopf
import pytest

from loadtest_operator.cluster.api import ApiError
from loadtest_operator.program.health import OperatorHealth, Pulse, Readiness
from loadtest_operator.program.settings import settings_from
from loadtest_operator.program.watches import watch_until_stopped
from support.fake_api import FakeApi
from support.virtual_time import run_in_virtual_time

SETTINGS = settings_from({"LOADTEST_IMAGE": "loadgen:1"})
NO_PODS = 'pods is forbidden: cannot list resource "pods"'


class AnsweredError(Exception):
    """A refusal of the API server, as kopf ends with it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class NoRightToPods(FakeApi):
    """The right to list pods is missing at first."""

    async def list(self, kind: str, *args: Any, **named: Any) -> list[dict[str, Any]]:
        found = await super().list(kind, *args, **named)
        if self.requested_kinds.count("pods") in (1, 2):
            raise ApiError(403, "Forbidden", NO_PODS)
        return found


class Kopf:
    """Ends with each of these errors in turn, and then as one that is told to end."""

    def __init__(self, health: OperatorHealth, *errors: Exception) -> None:
        self._health = health
        self._errors = list(errors)
        self.obstacles: list[str] = []

    async def operator(self, *, ready_flag: asyncio.Event, stop_flag: asyncio.Event, **_: Any) -> None:
        self.obstacles.append(self._health.readiness.obstacle())
        ready_flag.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                await stop_flag.wait()
        if self._errors:
            raise self._errors.pop(0)


class FollowedChildren:
    """Jobs and pods that are followed until each of these errors in turn, and then for good."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.is_followed = False

    async def run(self) -> None:
        if self._errors:
            raise self._errors.pop(0)
        self.is_followed = True
        try:
            await asyncio.Event().wait()
        finally:
            self.is_followed = False


def watched(
    monkeypatch: pytest.MonkeyPatch, api: FakeApi, *errors: Exception, children: FollowedChildren | None = None
) -> tuple[bool, Kopf, OperatorHealth]:
    """Whether the operator was told to end, after kopf had ended with these errors."""
    children = children or FollowedChildren()
    health = OperatorHealth(Pulse(60), Readiness())
    stand_in = Kopf(health, *errors)
    monkeypatch.setattr(kopf, "operator", stand_in.operator)

    async def watch() -> bool:
        async with api:
            return await watch_until_stopped(api, SETTINGS, health, kopf.OperatorRegistry, children.run)

    told_to_end = run_in_virtual_time(watch())
    assert not children.is_followed
    return told_to_end, stand_in, health


def test_a_right_that_is_missing_is_waited_for_by_its_name_without_a_new_beginning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    api = NoRightToPods()

    told_to_end, stand_in, health = watched(monkeypatch, api, AnsweredError(403, NO_PODS))

    assert told_to_end
    assert NO_PODS in stand_in.obstacles[1]
    assert "LoadTests can no longer be watched" not in caplog.text
    assert "CustomResourceDefinition" not in caplog.text
    assert api.requested_kinds.count("pods") == 3
    assert health.readiness.obstacle() == ""


def test_where_loadtests_are_no_longer_served_the_operator_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    told_to_end, _, health = watched(monkeypatch, FakeApi(), AnsweredError(404, "page not found"))

    assert not told_to_end
    assert "LoadTests can no longer be watched: page not found" in health.readiness.obstacle()


def test_a_right_to_follow_jobs_and_pods_that_is_missing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    api, children = NoRightToPods(), FollowedChildren(ApiError(403, "Forbidden", NO_PODS))

    told_to_end, stand_in, health = watched(monkeypatch, api, children=children)

    assert told_to_end
    assert NO_PODS in stand_in.obstacles[1]
    assert api.requested_kinds.count("pods") == 3
    assert health.readiness.obstacle() == ""


def test_a_defect_in_following_jobs_and_pods_does_not_pass_in_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a defect"):
        watched(monkeypatch, FakeApi(), children=FollowedChildren(ValueError("a defect")))


def test_what_is_no_refusal_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="a defect"):
        watched(monkeypatch, FakeApi(), ValueError("a defect"))
