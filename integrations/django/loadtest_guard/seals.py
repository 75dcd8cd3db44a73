"""What makes a database itself refuse to keep what a guarded transaction does, for each kind of database.

A seal is applied inside the transaction, and is lifted by rolling back to its savepoint. That fails if the transaction
is another one by then, so a view that ended it is noticed.
"""

import sqlite3
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from django.db import DatabaseError
from django.db.backends.base.base import BaseDatabaseWrapper

from loadtest_guard.errors import GuardUnavailableError
from loadtest_guard.guard_settings import Mode

_SAVEPOINT: Final = "loadtest_guard"

# It lives as long as the connection, and is empty outside of guarded transactions. To create it for each request would
# take longer than many a view.
_POSTGRESQL_TABLE: Final = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS loadtest_guard_seal (mark integer UNIQUE DEFERRABLE INITIALLY DEFERRED)"
)
# Two rows that contradict a constraint that is checked at the commit: no commit of this transaction can succeed,
# whoever asks for it. Behind a pooler the session may be another one than that of `prepare`.
_POSTGRESQL_ROLLBACK: Final = "; ".join(
    (
        _POSTGRESQL_TABLE,
        "INSERT INTO pg_temp.loadtest_guard_seal VALUES (1), (1)",
        f"SAVEPOINT {_SAVEPOINT}",
    )
)
# After the savepoint the transaction cannot be made writable again.
_POSTGRESQL_READONLY: Final = f"SET TRANSACTION READ ONLY; SAVEPOINT {_SAVEPOINT}"
_READ_ONLY_SQL_TRANSACTION: Final = "25006"

_SQLITE_WRITES: Final = frozenset(
    {
        sqlite3.SQLITE_INSERT,
        sqlite3.SQLITE_UPDATE,
        sqlite3.SQLITE_DELETE,
        sqlite3.SQLITE_ALTER_TABLE,
        sqlite3.SQLITE_CREATE_INDEX,
        sqlite3.SQLITE_CREATE_TABLE,
        sqlite3.SQLITE_CREATE_TRIGGER,
        sqlite3.SQLITE_CREATE_VIEW,
        sqlite3.SQLITE_CREATE_VTABLE,
        sqlite3.SQLITE_DROP_INDEX,
        sqlite3.SQLITE_DROP_TABLE,
        sqlite3.SQLITE_DROP_TRIGGER,
        sqlite3.SQLITE_DROP_VIEW,
        sqlite3.SQLITE_DROP_VTABLE,
        sqlite3.SQLITE_REINDEX,
        sqlite3.SQLITE_ANALYZE,
    }
)

Report = Callable[[str], None]


class Seal(Protocol):
    """Of one connection, for one request."""

    def prepare(self) -> None:
        """Do what must be done once for a connection, outside of the transaction."""

    def apply(self) -> None:
        """Make the open transaction one that cannot be kept."""

    def lift(self) -> None:
        """Undo everything since `apply`. Raises the database's error where the transaction is not the same one."""

    def is_refused_write(self, error: BaseException) -> bool:
        """Whether the database raised this because the transaction is read-only."""

    def written_rows(self, counted_rows: int) -> int:
        """How many rows were written, given the count of Django's cursors."""


def seal_of(connection: BaseDatabaseWrapper, mode: Mode, report: Report) -> Seal:
    """The seal for a connection; it reports what it refused. Raises GuardUnavailableError for other databases."""
    if connection.vendor == "postgresql":
        return _PostgreSQLSeal(connection, mode)
    if connection.vendor == "sqlite":
        return _SQLiteSeal(connection, mode, report)
    raise GuardUnavailableError(
        f"the database {connection.alias!r} is {connection.vendor}; the guard knows PostgreSQL and SQLite"
    )


class _PostgreSQLSeal:
    def __init__(self, connection: BaseDatabaseWrapper, mode: Mode) -> None:
        self._connection = connection
        self._is_readonly = mode is Mode.READONLY

    def prepare(self) -> None:
        if self._is_readonly:
            return
        self._connection.ensure_connection()
        driver = self._connection.connection
        if _PREPARED.get(driver):
            return
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(_POSTGRESQL_TABLE)
        except DatabaseError as error:
            # A standby, or a session that is read-only: nothing can be written here anyway.
            if not self.is_refused_write(error):
                raise
            self._is_readonly = True
        else:
            _PREPARED[driver] = True

    def apply(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(_POSTGRESQL_READONLY if self._is_readonly else _POSTGRESQL_ROLLBACK)

    def lift(self) -> None:
        _roll_back(self._connection)

    def is_refused_write(self, error: BaseException) -> bool:
        cause = error.__cause__
        # psycopg 3 calls it sqlstate, psycopg 2 pgcode.
        return _READ_ONLY_SQL_TRANSACTION in (getattr(cause, "sqlstate", None), getattr(cause, "pgcode", None))

    def written_rows(self, counted_rows: int) -> int:
        return counted_rows


_PREPARED: Final[WeakKeyDictionary[Any, bool]] = WeakKeyDictionary()
"""Connections of the driver that have the table."""


class _SQLiteSeal:
    """SQLite asks an authorizer about each statement when it is prepared."""

    def __init__(self, connection: BaseDatabaseWrapper, mode: Mode, report: Report) -> None:
        self._connection = connection
        self._denied_writes = _SQLITE_WRITES if mode is Mode.READONLY else frozenset()
        self._report = report
        self._changes_before = 0
        self._has_refused_write = False

    def prepare(self) -> None:
        """Nothing is needed."""

    def apply(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"SAVEPOINT {_SAVEPOINT}")
        self._changes_before = self._driver.total_changes
        self._driver.set_authorizer(self._authorize)

    def lift(self) -> None:
        self._driver.set_authorizer(None)
        _roll_back(self._connection)

    def is_refused_write(self, error: BaseException) -> bool:
        return self._has_refused_write and isinstance(error.__cause__, sqlite3.DatabaseError)

    def written_rows(self, counted_rows: int) -> int:
        return int(self._driver.total_changes - self._changes_before)

    @property
    def _driver(self) -> Any:
        return self._connection.connection

    def _authorize(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_TRANSACTION:
            self._report(f"the view runs {first} itself, which would end the guard's transaction")
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_SAVEPOINT and second == _SAVEPOINT:
            self._report(f"the view runs {first} {second}, which is the guard's savepoint")
            return sqlite3.SQLITE_DENY
        if action in self._denied_writes:
            self._has_refused_write = True
            return sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_OK


def _roll_back(connection: BaseDatabaseWrapper) -> None:
    # The driver's own cursor: after an error in the view Django's would refuse every statement.
    cursor: Any = connection.connection.cursor()
    try:
        cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
    finally:
        cursor.close()
