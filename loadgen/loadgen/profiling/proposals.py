"""A field for a column of somebody's own file: its type, format and shares, and none of its values."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

Json = dict[str, Any]

LEAST_ROWS: Final = 20
"""With fewer rows, nothing is concluded from what repeats or never does."""


@dataclass(frozen=True, slots=True)
class Confirmable:
    """What a field would say if its owner confirms that some of the file's values may be written: its `parameters`.

    `question` names those values.
    """

    question: str
    parameters: Json


@dataclass(frozen=True, slots=True)
class Proposal:
    """What fills a column: the client column `client`, or else a field with these parameters.

    `notes` say what the owner may have to change. `confirmable` is there if some of the file's values would make the
    field truer.
    """

    parameters: Json = field(default_factory=dict)
    client: str = ""
    notes: tuple[str, ...] = ()
    confirmable: Confirmable | None = None

    def confirm(self) -> "Proposal":
        """The same with the file's values in it."""
        if self.confirmable is None:
            return self
        return replace(self, parameters=self.confirmable.parameters, notes=(), confirmable=None)


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """The values of a column; `filled` has those that are not empty."""

    name: str
    filled: Sequence[str]
    rows: int

    @property
    def null_share(self) -> float:
        """The share of empty fields in hundredths; not 0 if there is one, and not 1 if there is a value."""
        empty_rows = self.rows - len(self.filled)
        if not empty_rows or not self.filled:
            return 0.0
        return min(0.99, max(0.01, round(empty_rows / self.rows, 2)))

    @property
    def is_distinct(self) -> bool:
        """Whether enough values are there, and none of them twice."""
        return len(self.filled) >= LEAST_ROWS and len(set(self.filled)) == len(self.filled)

    @property
    def is_named_as_key(self) -> bool:
        """Whether the column's name is one for keys."""
        return bool(KEY_WORDS & set(words_of_name(self.name)))

    @property
    def is_key(self) -> bool:
        """Whether no value comes twice, and the name or the number of rows says that this is no chance."""
        return self.is_distinct and (self.is_named_as_key or len(self.filled) >= 5 * LEAST_ROWS)

    @property
    def longest(self) -> int:
        return max(map(len, self.filled), default=0)


KEY_WORDS: Final = frozenset(
    ("id", "key", "code", "sku", "number", "no", "nr", "num", "ref", "reference", "uuid", "guid", "ean", "isbn")
)


def words_of_name(name: str) -> tuple[str, ...]:
    """The words of a column's name in small letters: `First Name`, `first_name` and `firstName` have the same."""
    words: list[str] = []
    previous = ""
    for character in name:
        begins = not words or not previous.isalnum() or (character.isupper() and previous.islower())
        if character.isalnum():
            if begins:
                words.append("")
            words[-1] += character.lower()
        previous = character
    return tuple(words)


def share_weights(counts: Sequence[int]) -> list[int]:
    """Counts as whole hundredths of their sum, of which none is 0."""
    total = sum(counts)
    return [max(1, round(100 * count / total)) for count in counts]
