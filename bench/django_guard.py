"""What the guard for Django costs: other requests, and load tests, each beside the same view without it.

`python -m bench.django_guard [--rounds N] [--postgresql]` with tests and tests/targets on PYTHONPATH. Requests go into
Django's WSGI handlers in this process, in turn, so nothing but the guard differs. The medians of all rounds are
printed. PostgreSQL needs psycopg.
"""

import argparse
import io
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test.utils import override_settings
from django.urls import path

from loadtest_guard import protect
from loadtest_guard.guard_settings import guard_settings
from loadtest_guard.tokens import sign_token
from postgresql_server import postgresql_server

ROWS: Final = 1000
_GUARD: Final = "loadtest_guard.middleware.LoadTestGuardMiddleware"
_OTHERS: Final = ["django.middleware.common.CommonMiddleware"]

urlpatterns: list[Any] = []


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.django_guard", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--postgresql", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _database(Path(folder), options.postgresql) as database:
        _set_up(database)
        for title, microseconds in _measure(options.rounds).items():
            print(f"{title:<58}{microseconds:>12,.1f} µs")


@contextmanager
def _database(folder: Path, is_postgresql: bool) -> Iterator[dict[str, Any]]:
    with postgresql_server() if is_postgresql else nullcontext("") as url:
        if url:
            host, _, port = url.rpartition("@")[2].partition(":")
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "postgres",
                "USER": "guard",
                "HOST": host,
                "PORT": port,
                "CONN_MAX_AGE": None,
            }
        else:
            yield {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "db.sqlite3"), "CONN_MAX_AGE": None}


def _set_up(database: dict[str, Any]) -> None:
    settings.configure(
        SECRET_KEY="of the measurement, with more than thirty-two characters",
        DATABASES={"default": database},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "loadtest_guard"],
        MIDDLEWARE=_OTHERS,
        ROOT_URLCONF=__name__,
        ALLOWED_HOSTS=["*"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        LOADTEST_GUARD={"ENABLED": True},
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import Group  # noqa: PLC0415 - a model, which needs the settings

    def empty(request: HttpRequest) -> HttpResponse:
        return JsonResponse({"processed_count": 0})

    def insert(request: HttpRequest) -> HttpResponse:
        groups = Group.objects.bulk_create(Group(name=f"{time.perf_counter_ns()}-{n}") for n in range(ROWS))
        return JsonResponse({"processed_count": len(groups)})

    def insert_and_remove(request: HttpRequest) -> HttpResponse:
        answer = insert(request)
        # So that the table does not grow while others are measured; not part of what is measured.
        request.META["cleanup"].append(Group.objects.all()._raw_delete)
        return answer

    urlpatterns.extend(
        [
            path("empty/", empty),
            path("insert/", insert_and_remove),
            path("protected/empty/", protect(empty)),
            path("protected/insert/", protect(insert)),
        ]
    )


def _measure(rounds: int) -> dict[str, float]:
    bare = WSGIHandler()
    with override_settings(MIDDLEWARE=[_GUARD, *_OTHERS]):
        guarded = WSGIHandler()
    token = sign_token(time.time(), 3600, guard_settings())
    load_test = {"HTTP_X_LOAD_TEST": "true", "HTTP_LOAD_TEST_TOKEN": token}
    works: dict[str, Callable[[], float]] = {
        "an empty view, no guard in the project": lambda: _seconds(bare, "empty/", {}),
        "the same, protected, no load test": lambda: _seconds(guarded, "protected/empty/", {}),
        "the same, protected, a load test": lambda: _seconds(guarded, "protected/empty/", load_test),
        f"a view that inserts {ROWS:,} rows and commits": lambda: _seconds(bare, "insert/", {}),
        f"the same for {ROWS:,} rows, a load test, rolled back": lambda: _seconds(
            guarded, "protected/insert/", load_test
        ),
    }
    shuffler = random.Random(1)
    samples: dict[str, list[float]] = {title: [] for title in works}
    for round_number in range(rounds + rounds // 10):
        # In another order each time, so that none always comes after the same one.
        for title in shuffler.sample(sorted(works), len(works)):
            seconds = works[title]()
            # The first rounds warm up.
            if round_number >= rounds // 10:
                samples[title].append(seconds * 1e6)
    return {title: statistics.median(values) for title, values in samples.items()}


def _seconds(handler: WSGIHandler, url: str, headers: dict[str, Any]) -> float:
    cleanup: list[Any] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/{url}",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": "0",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
        "cleanup": cleanup,
        **headers,
    }
    began = time.perf_counter()
    response = handler(environ, lambda *_: None)
    seconds = time.perf_counter() - began
    assert response.status_code == 200, response.content
    response.close()
    for remove in cleanup:
        remove("default")
    return seconds


if __name__ == "__main__":
    main()
