"""Connections to databases: what belongs to a load test uses those that the guard holds, or none."""

from functools import wraps
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from loadtest_guard.active import ACTIVE
from loadtest_guard.errors import GuardRefusalError


def watch_connections() -> None:
    """Refuse each cursor of Django that a load test opens outside of the guard's transactions.

    That is so in another thread that has the request's context, such as `asyncio.to_thread` and `sync_to_async` give
    it, and in a task that lives longer than the request.
    """
    original = BaseDatabaseWrapper._cursor

    @wraps(original)
    def cursor(self: Any, *args: Any, **kwargs: Any) -> Any:
        guard = ACTIVE.get()
        if guard is not None and not guard.holds(self):
            problem = "the view uses the database outside of the guard's transactions, in another thread or too late"
            guard.refuse(problem)
            raise GuardRefusalError(problem)
        return original(self, *args, **kwargs)

    BaseDatabaseWrapper._cursor = cursor
