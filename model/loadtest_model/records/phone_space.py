"""How many phone numbers there are, and how many records a run may have before they come again."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadtest_model.records.geography import Locale, area_code_shares


class Contact(StrEnum):
    """Which phones a record may have: of every exchange, or those that reach nobody."""

    ANY = "any"
    RESERVED = "reserved"


# North American Numbering Plan: an exchange is 2XX to 9XX, never N11.
EXCHANGES: Final = tuple(
    exchange for exchange in (f"{number:03}" for number in range(200, 1000)) if not exchange.endswith("11")
)
PHONES_PER_AREA_CODE: Final = len(EXCHANGES) * 10_000
"""7,920,000 numbers: 792 exchanges of ten thousand lines."""

RESERVED_PHONES_PER_AREA_CODE: Final = 100
"""555-0100 to 555-0199, which are kept for fiction and never assigned."""


@dataclass(frozen=True, slots=True)
class PhoneShortage:
    """An area code that has fewer numbers than a run is expected to take from it."""

    area_code: str
    expected: int
    capacity: int


def phones_per_area_code(contact: Contact) -> int:
    return RESERVED_PHONES_PER_AREA_CODE if contact == Contact.RESERVED else PHONES_PER_AREA_CODE


def phone_shortages(
    rows: int, locale: Locale = Locale.MIXED, contact: Contact = Contact.ANY
) -> tuple[PhoneShortage, ...]:
    """The area codes whose phones would repeat in a run of so many records over all pods, worst first."""
    capacity = phones_per_area_code(contact)
    expected_rows = {code: round(rows * share) for code, share in area_code_shares(locale).items()}
    shortages = [PhoneShortage(code, count, capacity) for code, count in expected_rows.items() if count > capacity]
    return tuple(sorted(shortages, key=lambda shortage: -shortage.expected))


def phone_capacity(locale: Locale = Locale.MIXED, contact: Contact = Contact.ANY) -> int:
    """How many records a run may have, over all pods, before the busiest area code's phones are expected to repeat."""
    return int(phones_per_area_code(contact) / max(area_code_shares(locale).values()))
