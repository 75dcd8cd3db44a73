"""The transactions around a guarded request: one on every database of the project, always rolled back."""

from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, Error, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from loadtest_guard.errors import GuardRefusalError, GuardUnavailableError
from loadtest_guard.guard_settings import Mode
from loadtest_guard.seals import Report, Seal, seal_of
from loadtest_guard.statements import DatabaseUse, start_of, writes


@dataclass
class _GuardedDatabase:
    connection: BaseDatabaseWrapper
    atomic: Any
    seal: Seal
    use: DatabaseUse
    observer: Any = None


@dataclass(frozen=True)
class DatabaseFigures:
    """What a request did with all its databases. `broken` names those whose transaction the view ended."""

    queries: int = 0
    seconds: float = 0.0
    rows: int = 0
    write_statements: int = 0
    broken: tuple[str, ...] = ()


class GuardedDatabases:
    """Opens the transactions, and rolls them back. All of it happens in one thread, the view's own."""

    def __init__(self, mode: Mode, report: Report) -> None:
        self._mode = mode
        self._report = report
        self._guarded: list[_GuardedDatabase] = []
        self._own: list[BaseDatabaseWrapper] = []

    def holds(self, connection: object) -> bool:
        """Whether this connection has an open transaction of the guard."""
        return any(own is connection for own in self._own)

    def open(self) -> None:
        """Begin a sealed transaction on every database. Raises GuardUnavailableError, and then none is open."""
        try:
            for alias in connections:
                self._enter(connections[alias])
        except GuardUnavailableError:
            self.close()
            raise
        except Error as error:
            self.close()
            raise GuardUnavailableError(f"a guarded transaction cannot begin: {error}".strip()) from error

    def close(self) -> DatabaseFigures:
        """Roll everything back, and tell what it was. Safe to call again."""
        broken: list[str] = []
        rows = 0
        guarded_databases, self._guarded = self._guarded, []
        for guarded in reversed(guarded_databases):
            rows += self._leave(guarded, broken)
        self._own.clear()
        return DatabaseFigures(
            queries=sum(guarded.use.queries for guarded in guarded_databases),
            seconds=sum(guarded.use.seconds for guarded in guarded_databases),
            rows=rows,
            write_statements=sum(guarded.use.write_statements for guarded in guarded_databases),
            broken=tuple(broken),
        )

    def _enter(self, connection: BaseDatabaseWrapper) -> None:
        seal = seal_of(connection, self._mode, self._report)
        if connection.in_atomic_block and not connection.atomic_blocks[-1]._from_testcase:
            raise GuardUnavailableError(f"the database {connection.alias!r} is in a transaction already")
        self._own.append(connection)
        seal.prepare()
        atomic = transaction.Atomic(connection.alias, savepoint=True, durable=False)
        # Django's own way to let `durable=True` run inside another transaction, as in its TestCase.
        atomic._from_testcase = True
        atomic.__enter__()
        guarded = _GuardedDatabase(connection, atomic, seal, DatabaseUse())
        self._guarded.append(guarded)
        seal.apply()
        guarded.observer = self._observer_of(guarded)
        connection.execute_wrappers.append(guarded.observer)

    def _observer_of(self, guarded: _GuardedDatabase) -> Any:
        def observe(execute: Any, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
            try:
                return guarded.use.observe(execute, sql, params, many, context)
            except GuardRefusalError as error:
                self._report(str(error))
                raise
            except DatabaseError as error:
                if guarded.seal.is_refused_write(error) and writes(str(sql)):
                    self._report(f"the view writes, and the mode is {self._mode}: {start_of(str(sql))}")
                raise

        return observe

    def _leave(self, guarded: _GuardedDatabase, broken: list[str]) -> int:
        connection = guarded.connection
        if guarded.observer in connection.execute_wrappers:
            connection.execute_wrappers.remove(guarded.observer)
        rows = 0
        try:
            if guarded.observer is not None:
                rows = guarded.seal.written_rows(guarded.use.counted_rows)
                guarded.seal.lift()
        except Exception:
            # Of the driver, which has a class of its own for each database.
            broken.append(connection.alias)
        try:
            connection.needs_rollback = True
            guarded.atomic.__exit__(None, None, None)
        except Exception:
            broken.append(connection.alias)
        if connection.alias in broken:
            # Its state is not known, so nobody uses it again.
            connection.close()
        return rows
