"""Fitting a report to the width of a terminal."""

import re
import textwrap
from typing import Final

from loadgen.screen.styling import visible_length

LABEL_WIDTH: Final = 12
WIDEST_LINE: Final = 110

_QUANTITY: Final = re.compile(r"(?<=[0-9]) (?=[A-Za-z])")
_COLOURED_LABEL: Final = re.compile(r"^(?P<begin>\x1b\[[0-9;]*m)(?P<text>[^\x1b]*)(?P<end>\x1b\[0m)")
_NO_BREAK: Final = "\N{NO-BREAK SPACE}"


def fit_to_width(text: str, columns: int | None) -> str:
    """The report with lines folded that are too wide; they continue below their own beginning. None folds nothing."""
    if columns is None:
        return text
    width = min(columns, WIDEST_LINE)
    return "\n".join(line if visible_length(line) <= width else _fold_line(line, width) for line in text.split("\n"))


def _fold_line(line: str, width: int) -> str:
    """Fold a line. The colour of its label takes no room, and comes back after that."""
    label = _COLOURED_LABEL.match(line)
    if label is None:
        return _fold_plain_line(line, width)
    folded_line = _fold_plain_line(label["text"] + line[label.end() :], width)
    return label.group() + folded_line[len(label["text"]) :]


def _fold_plain_line(line: str, width: int) -> str:
    # An address or a path that is broken can be neither clicked nor copied.
    indent = " " * (LABEL_WIDTH + 2 * line.startswith("- ", LABEL_WIDTH))
    unbroken_line = _QUANTITY.sub(_NO_BREAK, line)
    folded_line = textwrap.fill(
        unbroken_line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return folded_line.replace(_NO_BREAK, " ")
