"""What a request does with the database: counts, times, and statements that would end the guard's transaction."""

import re
import time
from collections.abc import Callable
from typing import Any, Final

from loadtest_guard.errors import GuardRefusalError

_SPACE: Final = r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/|\()*"
_ENDS_TRANSACTION: Final = re.compile(
    rf"(?:^|;){_SPACE}(commit|end|abort|begin|start\s+transaction|prepare\s+transaction"
    r"|rollback(?!\s+(?:work\s+|transaction\s+)?to\b))\b",
    re.IGNORECASE | re.DOTALL,
)
_WRITES: Final = re.compile(
    rf"{_SPACE}(insert|update|delete|merge|replace|copy|truncate|create|alter|drop|comment|grant|revoke"
    r"|with\b.*?\b(?:insert\s+into|update|delete\s+from|merge\s+into))\b",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_QUOTE: Final = 60


def transaction_control(sql: str) -> str | None:
    """The words by which the SQL would begin or end a transaction, if it has any. A savepoint is no transaction."""
    match = _ENDS_TRANSACTION.search(sql)
    return " ".join(match[1].upper().split()) if match else None


def writes(sql: str) -> bool:
    """Whether the SQL begins with a statement that writes. A function that writes is not recognised."""
    return _WRITES.match(sql) is not None


def start_of(sql: str) -> str:
    """The first words of a statement, for messages. Values are not among them: Django sends them separately."""
    line = " ".join(sql.split())
    return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE] + "..."


class DatabaseUse:
    """Counts what passes through Django's cursors. The cursor of a driver does not pass here."""

    def __init__(self) -> None:
        self.queries = 0
        self.seconds = 0.0
        self.write_statements = 0
        self.counted_rows = 0

    def observe(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        """Run a statement and measure it: a wrapper for `connection.execute_wrapper`.

        Raises GuardRefusalError if the statement would end the transaction.
        """
        text = sql if isinstance(sql, str) else _text_of(sql, context)
        if (control := transaction_control(text)) is not None:
            raise GuardRefusalError(f"the view runs {control} itself, which would end the guard's transaction")
        began = time.perf_counter()
        try:
            result = execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - began
            self.queries += 1
        if writes(text):
            self.write_statements += 1
            self.counted_rows += max(context["cursor"].rowcount, 0)
        return result


def _text_of(sql: Any, context: dict[str, Any]) -> str:
    if isinstance(sql, bytes):
        return sql.decode("utf-8", "replace")
    # A composition of psycopg's sql module.
    as_string = getattr(sql, "as_string", None)
    return str(as_string(context["cursor"].cursor)) if as_string is not None else str(sql)
