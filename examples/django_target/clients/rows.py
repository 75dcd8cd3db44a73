"""One row of an uploaded file as a Client, or the reason why it is none."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from clients.models import Client, Language, Province, Status

REQUIRED = ("client_id", "first_name", "last_name", "email")
_TEXTS = ("client_id", "first_name", "last_name", "email", "phone", "address", "city")
_MAX_LENGTHS = {name: Client._meta.get_field(name).max_length for name in _TEXTS}
_PROVINCES = frozenset(Province.values)
_LANGUAGES = frozenset(Language.values)
_STATUSES = frozenset(Status.values)
# The shape alone: Django's validator takes ten times as long, and whether mail arrives no pattern can tell.
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")
_POSTAL_CODE = re.compile(r"[A-Z]\d[A-Z] ?\d[A-Z]\d")
_BALANCE_LIMIT = Decimal(10) ** 10
_CENT = Decimal("0.01")


class BadValue(ValueError):  # noqa: N818 - named for what it is about
    """A value that is not allowed in its column, or with no column named, a row that is not one."""

    def __init__(self, field: str | None, reason: str) -> None:
        """Keep the column's name beside the reason."""
        super().__init__(f"{field or 'row'}: {reason}")
        self.field = field
        self.reason = reason


def client_from(row: Mapping[str, str], now: datetime) -> Client:
    """Validate one row, column name to text, and make the unsaved Client; raise BadValue at its first fault.

    Columns other than REQUIRED may be absent or empty; `now` stands in for empty timestamps.
    """
    for name in REQUIRED:
        if not row.get(name):
            raise BadValue(name, "is required")
    texts = {name: row.get(name, "") for name in _TEXTS}
    for name, text in texts.items():
        if len(text) > _MAX_LENGTHS[name]:
            raise BadValue(name, f"is longer than {_MAX_LENGTHS[name]} characters")
        if "\x00" in text:
            raise BadValue(name, "contains a null character")
    if not _EMAIL.fullmatch(texts["email"]):
        raise BadValue("email", "is not an e-mail address")
    return Client(
        **texts,
        province=_choice(row, "province", _PROVINCES, ""),
        postal_code=_postal_code(row.get("postal_code", "")),
        date_of_birth=_date_of_birth(row.get("date_of_birth", ""), now.date()),
        language=_choice(row, "language", _LANGUAGES, Language.ENGLISH),
        status=_choice(row, "status", _STATUSES, Status.ACTIVE),
        balance=_balance(row.get("balance", "")),
        created_at=_timestamp(row, "created_at", now),
        updated_at=_timestamp(row, "updated_at", now),
    )


def _choice(row: Mapping[str, str], name: str, choices: frozenset[str], default: str) -> str:
    text = row.get(name, "")
    if text in choices:
        return text
    if text:
        raise BadValue(name, f"{text[:20]!r} is not one of {', '.join(sorted(choices))}")
    return default


def _postal_code(text: str) -> str:
    if text and not _POSTAL_CODE.fullmatch(text):
        raise BadValue("postal_code", "is not of the form A1A 1A1")
    return text


def _date_of_birth(text: str, today: date) -> date | None:
    if not text:
        return None
    try:
        birth_date = date.fromisoformat(text)
    except ValueError as error:
        raise BadValue("date_of_birth", "is not a date like 1980-12-31") from error
    if birth_date > today:
        raise BadValue("date_of_birth", "lies in the future")
    return birth_date


def _balance(text: str) -> Decimal:
    try:
        balance = Decimal(text or "0")
    except InvalidOperation as error:
        raise BadValue("balance", "is not a decimal number") from error
    if not balance.is_finite() or abs(balance) >= _BALANCE_LIMIT:
        raise BadValue("balance", "has more than ten digits before the point")
    if balance != (rounded_balance := balance.quantize(_CENT)):
        raise BadValue("balance", "has more than two decimals")
    return rounded_balance


def _timestamp(row: Mapping[str, str], name: str, default: datetime) -> datetime:
    text = row.get(name, "")
    if not text:
        return default
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadValue(name, "is not a time like 2025-01-31T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
