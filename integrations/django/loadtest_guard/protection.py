"""The decorator that says which views a load test may reach."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import method_decorator

from loadtest_guard.active import ACTIVE
from loadtest_guard.header import asked_for
from loadtest_guard.refusals import refuse

MARK: Final = "loadtest_guard_protection"
View = TypeVar("View", bound=Callable[..., Any])

CountRows = Callable[[HttpRequest, HttpResponseBase], int | None]
"""Gives the number of processed rows from a request and the view's answer to it."""


@dataclass(frozen=True)
class Protection:
    """How a view is protected: where the number of its processed rows is, if not in `processed_count`."""

    count: str | CountRows | None = None


def protect(view: View | None = None, *, count: str | CountRows | None = None) -> Any:
    """Let load tests reach a view, under the guard. For function and class views, sync and async.

    `count` says where the number of processed rows is: a dotted path in the view's JSON answer, or a function of the
    request and the answer. By default it is `processed_count`, or what `processed` was told.

    Without the guard around it, the view is never called for a request with the header.
    """
    if view is None:
        return lambda actual_view: protect(actual_view, count=count)
    if isinstance(view, type):
        return method_decorator(protect(count=count), name="dispatch")(view)
    wrapper = _async_wrapper(view) if iscoroutinefunction(view) else _wrapper(view)
    setattr(wrapper, MARK, Protection(count))
    return wrapper


def protection_of(view: Any) -> Protection | None:
    """The protection of a view as the resolver gives it; None if it has none."""
    protection = getattr(view, MARK, None)
    return protection if isinstance(protection, Protection) else None


def _wrapper(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    def guarded_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if _is_unguarded(request):
            return refuse(request, 403, _UNGUARDED)
        return view(request, *args, **kwargs)

    return guarded_view


def _async_wrapper(view: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(view)
    async def guarded_view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if _is_unguarded(request):
            return refuse(request, 403, _UNGUARDED)
        return await view(request, *args, **kwargs)

    return guarded_view


_UNGUARDED: Final = "no guard is around the view, so nothing is processed; its middleware belongs into MIDDLEWARE"


def _is_unguarded(request: HttpRequest) -> bool:
    return asked_for(request) is not None and ACTIVE.get() is None
