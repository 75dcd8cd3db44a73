"""From the rows of a file to clients, and into the database."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from clients.files import UnreadableFile
from clients.models import Client
from clients.rows import REQUIRED, BadValue, client_from

MAX_REPORTED_ERRORS = 20
_ROWS_PER_INSERT = 500


@dataclass
class ParsedFile:
    """What a file holds: its clients, not stored yet, and its bad rows."""

    clients: list[Client] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    error_count: int = 0

    def add_error(self, row: int, error: BadValue) -> None:
        """Count a bad row (the header is row 1) and keep the first MAX_REPORTED_ERRORS to show."""
        self.error_count += 1
        if len(self.errors) < MAX_REPORTED_ERRORS:
            self.errors.append({"row": row, "field": error.field, "reason": error.reason})


def parse_clients(rows: Iterable[list[str]], now: datetime) -> ParsedFile:
    """Validate every row after the header; raise UnreadableFile where the header lacks a required column."""
    remaining = iter(rows)
    header = [name.strip() for name in next(remaining, [])]
    if missing_columns := [name for name in REQUIRED if name not in header]:
        raise UnreadableFile(f"the header row lacks {', '.join(missing_columns)}")
    parsed_file = ParsedFile()
    client_ids: set[str] = set()
    emails: set[str] = set()
    for number, row in enumerate(remaining, start=2):
        try:
            client = client_from(_by_column(header, row), now)
            _require_unique("client_id", client.client_id, client_ids)
            _require_unique("email", client.email, emails)
        except BadValue as error:
            parsed_file.add_error(number, error)
        else:
            parsed_file.clients.append(client)
    return parsed_file


def _by_column(header: list[str], row: list[str]) -> dict[str, str]:
    if len(row) != len(header):
        raise BadValue(None, f"has {len(row)} values, the header row has {len(header)}")
    return dict(zip(header, row, strict=True))


def _require_unique(name: str, value: str, known_values: set[str]) -> None:
    if value in known_values:
        raise BadValue(name, f"{value} occurs twice in this file")
    known_values.add(value)


def store_clients(clients: list[Client]) -> None:
    """Store all clients or none; raise IntegrityError where a client_id or e-mail is stored already."""
    # One transaction, however many inserts it takes.
    Client.objects.bulk_create(clients, batch_size=_ROWS_PER_INSERT)
