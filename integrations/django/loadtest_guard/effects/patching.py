"""Replacing a method by one that asks the guard first."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from loadtest_guard.active import ACTIVE


def once(function: Callable[[], None]) -> Callable[[], None]:
    """A function that does its work at the first call only."""
    is_done = False

    @wraps(function)
    def function_once() -> None:
        nonlocal is_done
        if not is_done:
            is_done = True
            function()

    return function_once


def hold_method(owner: type, name: str, kind: str, instead: Callable[..., Any]) -> None:
    """Let `owner.name` call `instead`, with the same arguments, while a guard is active; the guard records `kind`."""
    original = owner.__dict__[name]

    @wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        guard = ACTIVE.get()
        if guard is None:
            return original(self, *args, **kwargs)
        guard.hold(kind)
        return instead(self, *args, **kwargs)

    setattr(owner, name, method)
