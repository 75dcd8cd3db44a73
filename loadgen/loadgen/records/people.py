"""People as the rows of a file show them: everything about a record but its unique numbers, which are marked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from loadgen.records.dates import DateTexts
from loadgen.records.marks import CLIENT_MARK, EMAIL_MARK, HOUSE_MARK, PHONE_MARK
from loadgen.records.pools import Pools, mail_name
from loadgen.records.words import Indices, Words
from loadtest_model.records.geography import AREA_CODES, CITIES, POSTAL_LETTERS, Locale, city_weights

Item = TypeVar("Item")

_MAIL_DOMAINS: Final = ("example.com", "example.net", "example.org")
_MAIL_NAME_LENGTH: Final = 20  # Two of them, a code of 20 and two dots stay within a local part's 64 characters.

_ENGLISH_BUILDINGS: Final = ("The Elms", "Maple Court", "King's Landing", "Harbour View", "Old Mill")
_FRENCH_BUILDINGS: Final = ("Les Érables", "Le Château", "L'Escale", "Place d'Youville", "Le Vieux-Moulin")
_UNITS: Final = range(1, 1000)

_AFTER_HOUSE: Final = (" ", ", ")

_LANGUAGES: Final = ("en", "fr")
_STATUSES: Final = ("active", "inactive", "pending", "suspended")
_STATUS_WEIGHTS: Final = (78, 12, 7, 3)

# Balances in cents, from zero to below the bound; each band with its weight.
_BALANCE_BOUNDS: Final = np.array([1, 100_00, 1_000_00, 10_000_00, 100_000_00])
_BALANCE_WEIGHTS: Final = (12, 25, 35, 22, 6)

# Leading digits of the house number: one digit for 55 of a hundred, two for 38, three for 7. The last two
# digits are marked, so that they differ in every row.
_HOUSES: Final = tuple(
    f"{lead}{HOUSE_MARK}"
    for bound, weight in ((1, 550), (10, 380), (100, 70))
    for lead in (bound + place * 9 * bound // weight for place in range(weight))
)

_FIRST_BIRTH: Final = np.datetime64("1935-01-01", "D")
_BIRTH_DAYS: Final = 72 * 365
_FIRST_SECOND: Final = np.datetime64("2015-01-01T00:00:00", "s")
_CREATED_SECONDS: Final = 10 * 365 * 86_400
_UPDATED_SECONDS: Final = 300 * 86_400

_POSTAL_TAILS: Final = tuple(
    f" {first}{letter}{last}" for first in range(10) for letter in POSTAL_LETTERS for last in range(10)
)


_CENTS: Final = tuple(f".{cents:02}" for cents in range(100))


def _english_surroundings() -> list[tuple[str, str]]:
    """What stands before the house number and after the street, plain for 65 of a hundred addresses."""
    return [
        *[("", "")] * 650,
        *[("", f", Apt {unit}") for unit in _UNITS[:150]],
        *[(f"{unit}-", "") for unit in _UNITS[:100]],
        *[("", f", Unit {unit}") for unit in _UNITS[:80]],
        *[("", f', "{building}", Suite {unit}') for building in _ENGLISH_BUILDINGS for unit in _UNITS[:400:100]],
    ]


def _french_surroundings() -> list[tuple[str, str]]:
    """The same for an address in French."""
    return [
        *[("", "")] * 650,
        *[("", f", app. {unit}") for unit in _UNITS[:200]],
        *[(f"{unit}-", "") for unit in _UNITS[:50]],
        *[("", f", bureau {unit}") for unit in _UNITS[:80]],
        *[("", f', "{building}", app. {unit}') for building in _FRENCH_BUILDINGS for unit in _UNITS[:400:100]],
    ]


class _Groups(Generic[Item]):
    """Lists laid end to end, so that one draw in one of them is one index into all."""

    def __init__(self, groups: Sequence[Sequence[Item]]) -> None:
        self.items = tuple(chain.from_iterable(groups))
        self._sizes = np.array([len(group) for group in groups])
        self._starts = np.cumsum(self._sizes) - self._sizes

    def draw(self, words: Words, group: Indices) -> list[int]:
        """For each row an index into `items` within the row's group."""
        indices: Indices = self._starts[group] + words.below(self._sizes[group], len(group))
        places: list[int] = indices.tolist()
        return places


@dataclass(frozen=True, slots=True)
class DrawnPeople:
    """People as the client columns, with marks; for each the index of the area code in AREA_CODES, and 1 for French."""

    columns: tuple[list[str], ...]
    area_indices: NDArray[np.intp]
    french: Indices


class People:
    """A stream of people; the pools and the words fix it. Ids, and codes in e-mails, begin with the prefix."""

    def __init__(
        self, pools: Pools, words: Words, prefix: str, locale: Locale = Locale.MIXED, dates: DateTexts | None = None
    ) -> None:
        self._words = words
        self._locale = locale
        self._dates = dates or DateTexts()
        self._client_id = prefix + CLIENT_MARK
        self._mail_ends = [f".{prefix.lower()}{EMAIL_MARK}@{domain}" for domain in _MAIL_DOMAINS]
        languages = (pools.english, pools.french)
        self._first_names = _Groups([pool.first_names for pool in languages])
        self._last_names = _Groups([pool.last_names for pool in languages])
        self._streets = _Groups([pool.streets for pool in languages])
        self._surroundings = _Groups([_english_surroundings(), _french_surroundings()])
        self._first_mails = [mail_name(name)[:_MAIL_NAME_LENGTH] for name in self._first_names.items]
        self._last_mails = [mail_name(name)[:_MAIL_NAME_LENGTH] for name in self._last_names.items]
        self._city_weights = city_weights(locale)
        self._cities = [city.name for city in CITIES]
        self._provinces = [city.province for city in CITIES]
        self._french_percent = np.array([city.french_percent for city in CITIES])
        self._postal_prefixes = _Groups([city.postal_prefixes for city in CITIES])
        self._area_codes = _Groups([city.area_codes for city in CITIES])
        self._area_indices = np.array([AREA_CODES.index(code) for code in self._area_codes.items], np.intp)
        self._phones = [f"+1-{code}-{PHONE_MARK}" for code in self._area_codes.items]

    def draw(self, count: int) -> DrawnPeople:
        """The next `count` people."""
        words = self._words
        city = words.choose(self._city_weights, count)
        places = city.tolist()
        french = self._french(city)
        area = self._area_codes.draw(words, city)
        columns = (
            [self._client_id] * count,
            *self._names(french),
            _pick(self._phones, area),
            self._addresses(french),
            _pick(self._cities, places),
            _pick(self._provinces, places),
            self._postal_codes(city),
            self._birth_dates(count),
            _pick(_LANGUAGES, french.tolist()),
            _pick(_STATUSES, words.choose(_STATUS_WEIGHTS, count).tolist()),
            self._balances(count),
            *self._times(count),
        )
        return DrawnPeople(columns, self._area_indices[area], french)

    def _french(self, city: Indices) -> Indices:
        if self._locale != Locale.MIXED:
            return np.full(len(city), self._locale == Locale.FRENCH, np.int64)
        return (self._words.below(100, len(city)) < self._french_percent[city]).astype(np.int64)

    def _names(self, french: Indices) -> tuple[list[str], list[str], list[str]]:
        first = self._first_names.draw(self._words, french)
        last = self._last_names.draw(self._words, french)
        mails = zip(
            _pick(self._first_mails, first),
            _pick(self._last_mails, last),
            _pick(self._mail_ends, self._words.below(len(_MAIL_DOMAINS), len(french)).tolist()),
            strict=True,
        )
        return (
            _pick(self._first_names.items, first),
            _pick(self._last_names.items, last),
            [f"{first_mail}.{last_mail}{end}" for first_mail, last_mail, end in mails],
        )

    def _addresses(self, french: Indices) -> list[str]:
        parts = zip(
            _pick(self._surroundings.items, self._surroundings.draw(self._words, french)),
            _pick(_HOUSES, self._words.below(len(_HOUSES), len(french)).tolist()),
            _pick(_AFTER_HOUSE, french.tolist()),
            _pick(self._streets.items, self._streets.draw(self._words, french)),
            strict=True,
        )
        return [f"{before}{house}{space}{street}{after}" for (before, after), house, space, street in parts]

    def _postal_codes(self, city: Indices) -> list[str]:
        prefixes = _pick(self._postal_prefixes.items, self._postal_prefixes.draw(self._words, city))
        tails = _pick(_POSTAL_TAILS, self._words.below(len(_POSTAL_TAILS), len(city)).tolist())
        return [prefix + tail for prefix, tail in zip(prefixes, tails, strict=True)]

    def _birth_dates(self, count: int) -> list[str]:
        return self._dates.dates(_FIRST_BIRTH + self._words.below(_BIRTH_DAYS, count))

    def _balances(self, count: int) -> list[str]:
        bounds = _BALANCE_BOUNDS[self._words.choose(_BALANCE_WEIGHTS, count)]
        cents = self._words.below(bounds, count).tolist()
        return [f"{amount // 100}{_CENTS[amount % 100]}" for amount in cents]

    def _times(self, count: int) -> tuple[list[str], list[str]]:
        created = _FIRST_SECOND + self._words.below(_CREATED_SECONDS, count)
        updated = created + self._words.below(_UPDATED_SECONDS, count)
        return self._dates.times(created), self._dates.times(updated)


def _pick(items: Sequence[Item], indices: Iterable[int]) -> list[Item]:
    return list(map(items.__getitem__, indices))
