"""Django set up with the project of these tests, on the database that the environment names.

`GUARD_POSTGRESQL=postgresql://user@host:port` chooses PostgreSQL; SQLite is the default.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(_HERE), str(_HERE.parent)]
_FOLDER = tempfile.TemporaryDirectory(prefix="guard")
os.environ["GUARD_FOLDER"] = _FOLDER.name
os.environ["DJANGO_SETTINGS_MODULE"] = "guarded_shop.settings"

import django  # noqa: E402 - after the settings' variables

django.setup()

from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import override_settings  # noqa: E402

from guard_rows import create_databases, drop_databases, execute  # noqa: E402
from guarded_shop import outbox  # noqa: E402
from loadtest_guard import middleware  # noqa: E402
from loadtest_guard.guard_settings import guard_settings  # noqa: E402
from loadtest_guard.tokens import sign_token  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _databases() -> Iterator[None]:
    create_databases()
    for alias in connections:
        call_command("migrate", database=alias, run_syncdb=True, verbosity=0, interactive=False)
    yield
    connections.close_all()
    drop_databases()
    _FOLDER.cleanup()


@pytest.fixture(autouse=True)
def _fresh_project() -> Iterator[None]:
    yield
    middleware._breakouts.clear()
    outbox.sent.clear()
    cache.clear()
    execute("DELETE FROM guarded_shop_customer")


@pytest.fixture
def token() -> str:
    return sign_token(time.time(), 3600, guard_settings())


@pytest.fixture
def client() -> Client:
    """A client that enforces CSRF, as browsers meet it, and that sees answers instead of exceptions."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


@pytest.fixture
def guard_with() -> Any:
    """A context with other settings of the guard."""

    def context(**values: Any) -> Any:
        return override_settings(LOADTEST_GUARD={**settings.LOADTEST_GUARD, **values})

    return context
