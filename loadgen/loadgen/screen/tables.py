"""Tables for a terminal: those of a report, and records, turned on their side where the terminal is too narrow."""

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from loadgen.screen.styling import visible_length
from loadgen.screen.texts import LABEL_WIDTH

GAP: Final = "  "


def table_of(rows: Sequence[Sequence[str]], columns: int | None = None) -> str:
    """The rows, the first of them names, as lines whose fields are aligned; what is not printable is replaced.

    If the lines are wider than `columns`, each field becomes a line instead, with as many records side by side as there
    is room for, at least one.
    """
    printable_rows = [
        ["".join(letter if letter.isprintable() else " " for letter in field) for field in row] for row in rows
    ]
    if columns is None or len(rows) < 2 or _width(_aligned_lines(printable_rows)[0]) <= columns:
        return "".join(f"{line.rstrip()}\n" for line in _aligned_lines(printable_rows))
    names, *records = printable_rows
    blocks = ("\n".join(line.rstrip() for line in block) for block in _blocks(names, records, columns))
    return "\n\n".join(blocks) + "\n"


def labelled_table(label: str, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows as lines of a report, their fields aligned; the first line begins with the label."""
    widths = [max(map(visible_length, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = GAP.join(
            field + " " * (width - visible_length(field)) for field, width in zip(row, widths, strict=True)
        )
        yield f"{label if number == 0 else '':<{LABEL_WIDTH}}{cells}".rstrip()


def _blocks(names: Sequence[str], records: Sequence[Sequence[str]], columns: int) -> Iterator[list[str]]:
    """The records as columns beside the names, as many in a block as fit."""
    begin = 0
    while begin < len(records):
        block = _aligned_lines(list(zip(names, records[begin], strict=True)))
        end = begin + 1
        while end < len(records):
            wider_block = _aligned_lines(list(zip(names, *records[begin : end + 1], strict=True)))
            if _width(wider_block[0]) > columns:
                break
            block, end = wider_block, end + 1
        yield block
        begin = end


def _aligned_lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines of one width."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(field + " " * (width - _width(field)) for field, width in zip(row, widths, strict=True))
        for row in rows
    ]


def _width(text: str) -> int:
    """How many places a text takes in a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
