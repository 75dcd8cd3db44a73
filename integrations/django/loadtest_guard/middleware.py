"""The middleware that puts the guard around load tests. It belongs first in MIDDLEWARE."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from asgiref.sync import SyncToAsync, iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from loadtest_guard.admission import Admission, NotAdmittedError, admission_of, require_permission
from loadtest_guard.answers import answer_of, collected, collected_async
from loadtest_guard.effects import watch_effects
from loadtest_guard.errors import GuardUnavailableError
from loadtest_guard.guard import Guard
from loadtest_guard.guard_settings import guard_settings
from loadtest_guard.header import asked_for
from loadtest_guard.protection import protection_of
from loadtest_guard.refusals import logger, refuse

_GUARD: Final = "_loadtest_guard"
_ADMISSION: Final = "_loadtest_guard_admission"

_breakouts: Final[list[str]] = []
"""Paths of requests that broke out of the guard in this process. After one, no load test is processed here."""


class LoadTestGuardMiddleware:
    """Lets a request with `X-Load-Test: true` through to protected views only, inside the guard, if it is admitted.

    It refuses every other request with the header. Requests without it pass at the cost of one look into a dict.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        # A mistake in the settings of load tests must not keep a service from starting; `manage.py check` names it.
        with suppress(ImproperlyConfigured):
            if guard_settings().enabled:
                watch_effects()
        if self._is_async:
            markcoroutinefunction(self)
            self.process_view: Callable[..., Any] = self._process_view_async
        else:
            self.process_view = self._process_view

    def __call__(self, request: HttpRequest) -> Any:
        """Answer the request."""
        if asked_for(request) is None:
            return self._get_response(request)
        return self._answer_async(request) if self._is_async else self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponseBase:
        guard = _begin(request)
        if isinstance(guard, HttpResponseBase):
            return guard
        guard.activate()
        try:
            guard.open()
            response = collected(self._get_response(request))
        except GuardUnavailableError as error:
            return refuse(request, 403, str(error))
        except Exception:
            # Of a stream; what a view raises has become an answer before it comes here.
            if not guard.has_refused:
                raise
            response = HttpResponse(status=500)
        finally:
            outcome = guard.close()
            guard.deactivate()
        return _end(request, response, guard, outcome)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        if SyncToAsync.thread_sensitive_context.get(None) is None:
            # Requests would then share one thread, and with it the connections that the guard rolls back.
            return refuse(request, 403, "the server gives requests no thread of their own, so none can be guarded")
        guard = await sync_to_async(_begin)(request)
        if isinstance(guard, HttpResponseBase):
            return guard
        guard.activate()
        try:
            await sync_to_async(guard.open)()
            response = await collected_async(await self._get_response(request))
        except GuardUnavailableError as error:
            return refuse(request, 403, str(error))
        except Exception:
            # Of a stream; what a view raises has become an answer before it comes here.
            if not guard.has_refused:
                raise
            response = HttpResponse(status=500)
        finally:
            outcome = await sync_to_async(guard.close)()
            guard.deactivate()
        return await sync_to_async(_end)(request, response, guard, outcome)

    def _process_view(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponseBase | None:
        guard = getattr(request, _GUARD, None)
        return None if guard is None else _admit_to_view(request, view, guard)

    async def _process_view_async(self, request: HttpRequest, view: Any, *_: Any) -> HttpResponseBase | None:
        guard = getattr(request, _GUARD, None)
        return None if guard is None else await sync_to_async(_admit_to_view)(request, view, guard)


def _begin(request: HttpRequest) -> Guard | HttpResponseBase:
    """The guard for a request that may go on, or the refusal."""
    if asked_for(request) != "true":
        return refuse(request, 403, "X-Load-Test must be true; what else it says is not known")
    try:
        settings = guard_settings()
    except ImproperlyConfigured as error:
        return refuse(request, 403, f"the guard is not set up: {error}")
    if not settings.enabled:
        return refuse(request, 403, "load tests are off here (LOADTEST_GUARD['ENABLED'])")
    if _breakouts:
        return refuse(request, 403, f"a load test broke out of the guard in this process, at {_breakouts[0]!r}")
    try:
        admission = admission_of(request, settings, time.time())
    except NotAdmittedError as error:
        return refuse(request, 403, str(error))
    guard = Guard(settings)
    setattr(request, _GUARD, guard)
    setattr(request, _ADMISSION, admission)
    return guard


def _admit_to_view(request: HttpRequest, view: Any, guard: Guard) -> HttpResponseBase | None:
    """Let the request go to its view, or refuse it."""
    protection = protection_of(view)
    if protection is None:
        return refuse(request, 403, "the view is not protected by loadtest_guard.protect, so nothing is processed")
    admission: Admission = getattr(request, _ADMISSION)
    by = admission.by
    if admission.awaits_permission:
        try:
            by = f"{by} of user {require_permission(request, guard.settings)}"
        except NotAdmittedError as error:
            return refuse(request, 403, str(error))
    if admission.is_explicit:
        # What CSRF protects from is a browser that sends what admits it by itself.
        request.csrf_processing_done = True
    guard.protection = protection
    logger.info(
        "load test admitted by=%r remote=%s path=%r mode=%s run=%r",
        by,
        request.META.get("REMOTE_ADDR", ""),
        request.path,
        guard.settings.mode,
        request.META.get("HTTP_X_LOAD_TEST_RUN", "")[:64],
    )
    return None


def _end(request: HttpRequest, response: HttpResponseBase, guard: Guard, outcome: Any) -> HttpResponseBase:
    if outcome.figures.broken:
        _breakouts.append(request.path)
    return answer_of(request, response, guard, outcome)
