"""Archivers with a store of a test's own."""

from typing import Any

from loadtest_operator.act.follow_up import FollowUp
from loadtest_operator.archive.archiver import Archiver, ArchiverDependencies
from loadtest_operator.cluster.api import Api
from support.messengers import a_messenger


def an_archiver(api: Api, **fields: Any) -> Archiver:
    """An archiver; without a store it archives nothing."""
    dependencies: dict[str, Any] = {"store": None, "random": lambda: 0.0, "count": lambda _state: None, **fields}
    return Archiver(ArchiverDependencies(api=api, **dependencies))


def a_follow_up(api: Api) -> FollowUp:
    """What follows an end where there are no webhooks and no archive."""
    return FollowUp(api, a_messenger(), an_archiver(api))
