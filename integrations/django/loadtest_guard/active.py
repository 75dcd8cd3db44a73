"""The guard of the request that is being processed, if it is a load test."""

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Optional

if TYPE_CHECKING:
    from loadtest_guard.guard import Guard

ACTIVE: Final[ContextVar[Optional["Guard"]]] = ContextVar("loadtest_guard", default=None)
"""A thread that the view starts does not inherit this, and is not guarded."""


def is_load_test() -> bool:
    """Whether the request that is being processed is a load test that the guard let in.

    A view asks this before what the guard cannot hold back, such as a call to another service.
    """
    return ACTIVE.get() is not None


def processed(count: int) -> None:
    """Tell the guard how many rows the view has processed. Does nothing where no load test is being processed.

    A view needs this if its own answer does not say the number.
    """
    guard = ACTIVE.get()
    if guard is not None:
        guard.processed_count = count
