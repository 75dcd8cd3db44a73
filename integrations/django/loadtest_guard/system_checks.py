"""What `manage.py check` says about the guard."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver

from loadtest_guard.guard_settings import GuardSettings, guard_settings
from loadtest_guard.protection import protection_of
from loadtest_guard.read_back import unique_fields

MIDDLEWARE: Final = "loadtest_guard.middleware.LoadTestGuardMiddleware"
_KNOWN_DATABASES: Final = frozenset({"postgresql", "sqlite"})
# They neither write nor answer for a view.
_MAY_STAND_BEFORE: Final = frozenset({"django.middleware.security.SecurityMiddleware"})


def check_guard(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Name each misconfiguration of the guard."""
    try:
        guard = guard_settings()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="loadtest_guard.E001")]
    if not guard.enabled:
        return []
    return [*_middleware(), *_databases(), *_read_back(guard), *_admission(guard), *_views()]


def _middleware() -> Iterator[CheckMessage]:
    middleware = list(settings.MIDDLEWARE)
    if MIDDLEWARE not in middleware:
        yield Error(
            "MIDDLEWARE lacks the guard's middleware, so every load test is refused",
            hint=f"Put {MIDDLEWARE} first.",
            id="loadtest_guard.E002",
        )
        return
    if outer := [name for name in middleware[: middleware.index(MIDDLEWARE)] if name not in _MAY_STAND_BEFORE]:
        yield checks.Warning(
            f"{outer[0]} stands before the guard's middleware, and what it does is not rolled back",
            hint=f"Put {MIDDLEWARE} first.",
            id="loadtest_guard.W001",
        )


def _databases() -> Iterator[CheckMessage]:
    for alias in connections:
        if connections[alias].vendor not in _KNOWN_DATABASES:
            yield Error(
                f"the database {alias!r} is {connections[alias].vendor}, so every load test is refused",
                hint="The guard knows PostgreSQL and SQLite.",
                id="loadtest_guard.E003",
            )


def _read_back(guard: GuardSettings) -> Iterator[CheckMessage]:
    for name in guard.read_back:
        try:
            model = apps.get_model(name)
        except (LookupError, ValueError) as error:
            yield Error(f"LOADTEST_GUARD['READ_BACK']: {error}", id="loadtest_guard.E004")
        else:
            if unique_fields(model) == {model._meta.pk.name}:
                yield checks.Warning(
                    f"{name} has no unique field beside its key, so a read-back can count its rows, but look none up",
                    id="loadtest_guard.W002",
                )


def _admission(guard: GuardSettings) -> Iterator[CheckMessage]:
    for network in guard.networks:
        if network.prefixlen == 0:
            yield Error(f"LOADTEST_GUARD['NETWORKS'] has {network}, which lets everybody in", id="loadtest_guard.E005")
    if guard.permission and "django.contrib.auth.middleware.AuthenticationMiddleware" not in settings.MIDDLEWARE:
        yield Error(
            "LOADTEST_GUARD['PERMISSION'] needs the AuthenticationMiddleware, which says who the user is",
            id="loadtest_guard.E006",
        )


def _views() -> Iterator[CheckMessage]:
    if not any(protection_of(pattern.callback) for pattern in _patterns(get_resolver().url_patterns)):
        yield checks.Warning(
            "no view is protected, so every load test is refused",
            hint="Put @loadtest_guard.protect above the view that takes uploads.",
            id="loadtest_guard.W003",
        )


def _patterns(entries: Iterable[Any]) -> Iterator[URLPattern]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from _patterns(entry.url_patterns)
        else:
            yield entry
