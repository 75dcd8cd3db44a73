"""Rows that are wrong on purpose."""

from collections.abc import Callable, Sequence, Set
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtest_model.spec.records import INVALID_KINDS

_SPOILED_FIELD: Final[dict[str, Callable[[str], str]]] = {
    "missing_required": lambda _: "",
    "bad_email": lambda email: email.replace("@", " at "),
    "bad_phone": lambda _: "unknown",
    "bad_date": lambda _: "1990-13-45",
    "bad_postal_code": lambda _: "D0F 0Z",
    "bad_choice": lambda _: "no such status",
    "bad_number": lambda _: "12.34.56",
    "too_long": lambda _: "x" * 300,
}
"""What a field becomes. A duplicate id is written when the row is composed."""


class Spoiler:
    """Makes rows wrong, by kinds that take turns; `sources` are the client columns that the file has."""

    def __init__(self, kinds: Sequence[str], sources: Set[str]) -> None:
        self._turns = [
            (kind, [source for source in INVALID_KINDS[kind] if source in sources] or list(INVALID_KINDS[kind]))
            for kind in kinds
        ]
        self._rows = 0

    def spoil(self, clients: dict[str, list[str]], count: int) -> NDArray[np.bool_]:
        """Change the fields of every row; gives which rows are to have the client_id of another."""
        has_copied_id = np.zeros(count, np.bool_)
        for row in range(count):
            cycle, turn = divmod(self._rows + row, len(self._turns))
            kind, sources = self._turns[turn]
            if kind == "duplicate_id":
                has_copied_id[row] = True
                continue
            fields = clients[sources[cycle % len(sources)]]
            fields[row] = _SPOILED_FIELD[kind](fields[row])
        self._rows += count
        return has_copied_id
