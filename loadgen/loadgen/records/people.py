"""People as the rows of a file show them: everything about a record but its unique numbers, which are marked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadgen.records.geography import AREA_CODES, CITIES, POSTAL_LETTERS
from loadgen.records.pools import Pools, mail_name
from loadgen.records.rendering import CLIENT_MARK, EMAIL_MARK, HOUSE_MARK, PHONE_MARK
from loadgen.records.words import Indices, Words

_MAIL_DOMAINS: Final = ("example.com", "example.net", "example.org")
_MAIL_NAME_LENGTH: Final = 20  # Two of them, a code of 20 and two dots stay within a local part's 64 characters.

# The house number's last two digits are marked, so that they differ in every row.
_ENGLISH_ADDRESSES: Final = (
    *("{house} {street}",) * 13,
    *("{house} {street}, Apt {unit}",) * 3,
    *("{unit}-{house} {street}",) * 2,
    "{house} {street}, Unit {unit}",
    '{house} {street}, "{building}", Suite {unit}',
)
_FRENCH_ADDRESSES: Final = (
    *("{house}, {street}",) * 13,
    *("{house}, {street}, app. {unit}",) * 4,
    *("{unit}-{house}, {street}",) * 1,
    "{house}, {street}, bureau {unit}",
    '{house}, {street}, "{building}", app. {unit}',
)
_ENGLISH_BUILDINGS: Final = ("The Elms", "Maple Court", "King's Landing", "Harbour View", "Old Mill")
_FRENCH_BUILDINGS: Final = ("Les Érables", "Le Château", "L'Escale", "Place d'Youville", "Le Vieux-Moulin")

_STATUSES: Final = ("active", "inactive", "pending", "suspended")
_STATUS_WEIGHTS: Final = (78, 12, 7, 3)

# Balances in cents, from zero to below the bound; each band with its weight.
_BALANCE_BOUNDS: Final = np.array([1, 100_00, 1_000_00, 10_000_00, 100_000_00])
_BALANCE_WEIGHTS: Final = (12, 25, 35, 22, 6)

# Leading digits of the house number, before the two marked ones.
_HOUSE_BOUNDS: Final = np.array([9, 90, 900])
_HOUSE_WEIGHTS: Final = (55, 38, 7)

_FIRST_BIRTH: Final = date(1935, 1, 1).toordinal()
_LAST_BIRTH: Final = date(2006, 12, 31).toordinal()
_FIRST_SECOND: Final = np.datetime64("2015-01-01T00:00:00", "s")
_CREATED_SECONDS: Final = 10 * 365 * 86_400
_UPDATED_SECONDS: Final = 300 * 86_400

_POSTAL_TAILS: Final = tuple(
    f"{first}{letter}{last}" for first in range(10) for letter in POSTAL_LETTERS for last in range(10)
)


class _Groups:
    """Lists laid end to end, so that one draw in one of them is one index into all."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        self.items = tuple(chain.from_iterable(groups))
        self._sizes = np.array([len(group) for group in groups])
        self._starts = np.cumsum(self._sizes) - self._sizes

    def draw(self, words: Words, group: Indices) -> Indices:
        """For each row an index into `items` within the row's group."""
        indices: Indices = self._starts[group] + words.below(self._sizes[group], len(group))
        return indices


@dataclass(frozen=True, slots=True)
class Drawn:
    """Rows with marks, one text a column, and for each row the index of its area code in AREA_CODES."""

    rows: list[tuple[str, ...]]
    area_indices: NDArray[np.intp]


class People:
    """A stream of people; the pools and the words fix it. Ids and addresses begin with the prefix."""

    def __init__(self, pools: Pools, words: Words, prefix: str) -> None:
        self._words = words
        self._client_id = prefix + CLIENT_MARK
        self._mail_end = f".{prefix.lower()}{EMAIL_MARK}@"
        languages = (pools.english, pools.french)
        self._first_names = _Groups([pool.first_names for pool in languages])
        self._last_names = _Groups([pool.last_names for pool in languages])
        self._streets = _Groups([pool.streets for pool in languages])
        self._forms = _Groups([_ENGLISH_ADDRESSES, _FRENCH_ADDRESSES])
        self._buildings = _Groups([_ENGLISH_BUILDINGS, _FRENCH_BUILDINGS])
        self._first_mails = [mail_name(name)[:_MAIL_NAME_LENGTH] for name in self._first_names.items]
        self._last_mails = [mail_name(name)[:_MAIL_NAME_LENGTH] for name in self._last_names.items]
        self._city_weights = [city.weight for city in CITIES]
        self._french_percent = np.array([city.french_percent for city in CITIES])
        self._postal_prefixes = _Groups([city.postal_prefixes for city in CITIES])
        self._area_codes = _Groups([city.area_codes for city in CITIES])
        self._area_index = np.array([AREA_CODES.index(code) for code in self._area_codes.items], np.intp)

    def draw(self, count: int) -> Drawn:
        """The next `count` people."""
        city = self._words.choose(self._city_weights, count)
        french = (self._words.below(100, count) < self._french_percent[city]).astype(np.int64)
        area = self._area_codes.draw(self._words, city)
        fields = zip(
            self._names(french),
            self._phones(area),
            self._addresses(french),
            city.tolist(),
            self._postal_codes(city),
            self._birth_dates(count),
            french.tolist(),
            self._statuses(count),
            self._balances(count),
            self._times(count),
            strict=True,
        )
        rows = [
            (
                self._client_id,
                *names,
                phone,
                address,
                CITIES[place].name,
                CITIES[place].province,
                postal_code,
                birth_date,
                "fr" if in_french else "en",
                status,
                balance,
                *times,
            )
            for names, phone, address, place, postal_code, birth_date, in_french, status, balance, times in fields
        ]
        return Drawn(rows, self._area_index[area])

    def _names(self, french: Indices) -> Iterator[tuple[str, str, str]]:
        first = self._first_names.draw(self._words, french).tolist()
        last = self._last_names.draw(self._words, french).tolist()
        domain = self._words.below(len(_MAIL_DOMAINS), len(french)).tolist()
        for i, j, k in zip(first, last, domain, strict=True):
            email = f"{self._first_mails[i]}.{self._last_mails[j]}{self._mail_end}{_MAIL_DOMAINS[k]}"
            yield self._first_names.items[i], self._last_names.items[j], email

    def _phones(self, area: Indices) -> Iterator[str]:
        codes = self._area_codes.items
        return (f"+1-{codes[i]}-{PHONE_MARK}" for i in area.tolist())

    def _addresses(self, french: Indices) -> Iterator[str]:
        words, count = self._words, len(french)
        bounds = _HOUSE_BOUNDS[words.choose(_HOUSE_WEIGHTS, count)]
        leads = (words.below(bounds, count) + (bounds // 9)).tolist()
        forms = self._forms.draw(words, french).tolist()
        streets = self._streets.draw(words, french).tolist()
        units = (words.below(1_999, count) + 1).tolist()
        buildings = self._buildings.draw(words, french).tolist()
        for lead, form, street, unit, building in zip(leads, forms, streets, units, buildings, strict=True):
            yield self._forms.items[form].format(
                house=f"{lead}{HOUSE_MARK}",
                street=self._streets.items[street],
                unit=unit,
                building=self._buildings.items[building],
            )

    def _postal_codes(self, city: Indices) -> Iterator[str]:
        prefixes = self._postal_prefixes.draw(self._words, city).tolist()
        tails = self._words.below(len(_POSTAL_TAILS), len(city)).tolist()
        return (f"{self._postal_prefixes.items[i]} {_POSTAL_TAILS[j]}" for i, j in zip(prefixes, tails, strict=True))

    def _birth_dates(self, count: int) -> Iterator[str]:
        days = self._words.below(_LAST_BIRTH - _FIRST_BIRTH + 1, count) + _FIRST_BIRTH
        return (date.fromordinal(day).isoformat() for day in days.tolist())

    def _statuses(self, count: int) -> Iterator[str]:
        return (_STATUSES[i] for i in self._words.choose(_STATUS_WEIGHTS, count).tolist())

    def _balances(self, count: int) -> Iterator[str]:
        bounds = _BALANCE_BOUNDS[self._words.choose(_BALANCE_WEIGHTS, count)]
        cents = self._words.below(bounds, count).tolist()
        return (f"{amount // 100}.{amount % 100:02}" for amount in cents)

    def _times(self, count: int) -> Iterator[tuple[str, str]]:
        created = _FIRST_SECOND + self._words.below(_CREATED_SECONDS, count)
        updated = created + self._words.below(_UPDATED_SECONDS, count)
        texts = (np.datetime_as_string(times, timezone="UTC").tolist() for times in (created, updated))
        return zip(*texts, strict=True)
