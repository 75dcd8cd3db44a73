"""Which database the project uses: SQLite in a file, or PostgreSQL where DATABASE_URL names one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured


def database_from_environment(environment: Mapping[str, str], base_dir: Path) -> dict[str, Any]:
    """The value of DATABASES["default"], from DATABASE_URL if it is set, else from SQLITE_PATH."""
    if url := environment.get("DATABASE_URL"):
        return postgresql(url)
    return sqlite(environment.get("SQLITE_PATH") or str(base_dir / "db.sqlite3"))


def postgresql(url: str) -> dict[str, Any]:
    """Parse `postgresql://user:password@host:port/name?sslmode=require`; query parameters go to libpq."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"DATABASE_URL begins with {parts.scheme!r}, only postgresql:// is known")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def sqlite(path: str) -> dict[str, Any]:
    """SQLite in the file `path`, set up for several worker processes."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Readers do not wait for a writer in WAL mode. A transaction begins with the insert, which takes the write
            # lock and waits for another writer. IMMEDIATE would take it at the beginning, which under the guard is
            # that of the request: no file could be read while another one is.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            "timeout": 30,
        },
    }
