"""How a terminal wants to be written to."""

import os
import sys
from dataclasses import dataclass
from typing import Final, TextIO

from loadgen.screen.closing import coloured_verdict, threshold_mark
from loadgen.screen.drawing import can_encode, terminal_width, wants_colour
from loadgen.screen.lasting import write_if_possible
from loadgen.screen.styling import CYAN, DIM, GREEN, RED, YELLOW, paint
from loadgen.screen.texts import LABEL_WIDTH, fit_to_width
from loadgen.screen.view import FULL
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.thresholds.bounds import ThresholdResult

_HEALTH_COLOURS: Final = {"Good": GREEN, "Warning": YELLOW, "Critical": RED}
_PHASE_COLOURS: Final = {"Running": CYAN, "Verifying": CYAN, "Starting": CYAN, "Stopping": YELLOW}


@dataclass(frozen=True, slots=True)
class Style:
    """Whether a stream has colours and Unicode, and how wide it is; None if any width will do."""

    in_colour: bool = False
    has_unicode: bool = True
    columns: int | None = None

    def verdict(self, verdict: Verdict, reason_class: ReasonClass) -> str:
        return coloured_verdict(verdict, reason_class, in_colour=self.in_colour)

    def health(self, level: str) -> str:
        return paint(level, _HEALTH_COLOURS.get(level, ""), self.in_colour and level in _HEALTH_COLOURS)

    def phase(self, phase: str) -> str:
        return paint(phase, _PHASE_COLOURS.get(phase, ""), self.in_colour and phase in _PHASE_COLOURS)

    def threshold(self, result: ThresholdResult) -> str:
        return threshold_mark(result, in_colour=self.in_colour)

    def good(self, text: str) -> str:
        return paint(text, GREEN, self.in_colour)

    def bad(self, text: str) -> str:
        return paint(text, RED, self.in_colour)

    def doubtful(self, text: str) -> str:
        return paint(text, YELLOW, self.in_colour)

    def quiet(self, text: str) -> str:
        return paint(text, DIM, self.in_colour)


def style_of(stream: TextIO) -> Style:
    """How a stream is written to: coloured only on a terminal, and not where NO_COLOR is set."""
    return Style(wants_colour(stream, os.environ), can_encode(stream, FULL), terminal_width(stream))


def say(lines: list[str], stream: TextIO | None = None) -> None:
    """Write lines of a report, folded to the width of the terminal."""
    stream = stream or sys.stdout
    text = fit_to_width("\n".join(lines), terminal_width(stream))
    write_if_possible(stream, f"{text}\n")


def labelled(label: str, text: str) -> str:
    """A line of a report."""
    return f"{label:<{LABEL_WIDTH}}{text}"
