"""Fields that a provider of Faker makes. Faker is imported only where a run has one: it takes a third of a second."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from loadgen.records.words import Indices, Words
from loadtest_model.plan.columns import ColumnPlan
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.records.geography import Locale

if TYPE_CHECKING:
    from faker import Faker

_FIRST_VALUES: Final = 200
_MOST_VALUES: Final = 5_000
_VALUES_PER_RENEWAL: Final = 2  # Some 20 to 200 microseconds each; drawing the rows beside it takes as long.

_CONTROL_CHARACTERS: Final = dict.fromkeys((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F, 0xFFFE, 0xFFFF))


class FieldRefusedError(ValueError):
    """A field whose values cannot be made; the message names it and says why."""


class Fakers:
    """Faker in the languages of a locale, made when it is first asked for."""

    def __init__(self, locale: Locale) -> None:
        self.locales = (Locale.ENGLISH, Locale.FRENCH) if locale == Locale.MIXED else (locale,)
        self._fakers: list[Faker] = []

    def __getitem__(self, language: int) -> Faker:
        if not self._fakers:
            from faker import Faker  # noqa: PLC0415 - see the module's docstring

            self._fakers = [Faker(locale) for locale in self.locales]
        return self._fakers[language]


class FakedValues:
    """What a provider made: a few hundred values for each language, which `renew` adds to, and replaces later on.

    Raises FieldRefusedError where the provider does not take its arguments.
    """

    def __init__(self, plan: ColumnPlan, fakers: Fakers, words: Words, most_values: int = _MOST_VALUES) -> None:
        self._plan = plan
        self._most_values = most_values
        self._words = words
        self._arguments = {name: _parse_argument(value) for name, value in plan.arguments.items()}
        self._fakers = fakers
        self._values: list[list[str]] = [
            self._make_values(language, _FIRST_VALUES) for language in range(len(fakers.locales))
        ]
        self._next = [0] * len(self._values)
        self._turn = 0

    def renew(self) -> None:
        """Make a few values more, in one language after the other."""
        language = self._turn % len(self._values)
        self._turn += 1
        values, new_values = self._values[language], self._make_values(language, _VALUES_PER_RENEWAL)
        if len(values) < self._most_values:
            values += new_values
            return
        start = self._next[language]
        values[start : start + len(new_values)] = new_values
        self._next[language] = (start + len(new_values)) % self._most_values

    def draw(self, french: Indices) -> list[str]:
        """A value for each row; `french` is 1 where a row's language is French, and 0 elsewhere."""
        indices = self._words.below(min(map(len, self._values)), len(french)).tolist()
        if len(self._values) == 1:
            return [self._values[0][index] for index in indices]
        return [self._values[language][index] for language, index in zip(french.tolist(), indices, strict=True)]

    def _make_values(self, language: int, count: int) -> list[str]:
        faker = self._fakers[language]
        # Anew each time, so that what one field draws never depends on the others.
        faker.seed_instance(int(self._words.raw(1)[0]))
        provider: Callable[..., Any] = getattr(faker, self._plan.provider)
        try:
            return [str(provider(**self._arguments)).translate(_CONTROL_CHARACTERS) for _ in range(count)]
        except Exception as error:
            arguments = ", ".join(f"{name}={value!r}" for name, value in self._arguments.items()) or "no arguments"
            raise FieldRefusedError(
                f"spec.records.fields.add: provider {self._plan.provider} of Faker does not take {arguments}: {error}"
                f" (column {self._plan.name!r})"
            ) from error


def refuse_unmakeable(plan: RecordsPlan) -> None:
    """Raise FieldRefusedError where a provider of Faker does not take the arguments of a column."""
    fakers = Fakers(plan.locale)
    for column in plan.columns:
        if column.kind == "faker":
            FakedValues(column, fakers, Words(plan.seed))


def _parse_argument(value: int | str) -> Any:
    if isinstance(value, int):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value
