"""The project's settings: two databases, of the kind that GUARD_DATABASE names."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django

FOLDER = Path(os.environ["GUARD_FOLDER"])
POSTGRESQL = os.environ.get("GUARD_POSTGRESQL", "")


def _database(name: str) -> dict[str, Any]:
    if not POSTGRESQL:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(FOLDER / f"{name}.sqlite3"),
            "OPTIONS": {"timeout": 5},
        }
    url = urlsplit(POSTGRESQL)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": f"{FOLDER.name}_{name}".replace("-", "_"),
        "USER": url.username,
        "HOST": url.hostname,
        "PORT": url.port,
    }


SECRET_KEY = "a key of the tests that has more than thirty-two characters"
DATABASES = {"default": _database("default"), "second": _database("second")}
DATABASE_ROUTERS = ["guarded_shop.models.Router"]
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "rest_framework",
    "loadtest_guard",
    "guarded_shop",
]
MIDDLEWARE = [
    "loadtest_guard.middleware.LoadTestGuardMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "guarded_shop.urls"
ALLOWED_HOSTS = ["*"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
MEDIA_ROOT = str(FOLDER / "media")
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "guarded_shop.outbox.Outbox"}}
else:
    EMAIL_BACKEND = "guarded_shop.outbox.Outbox"
USE_TZ = True
LOADTEST_GUARD = {"ENABLED": True, "READ_BACK": ["guarded_shop.Customer"]}
