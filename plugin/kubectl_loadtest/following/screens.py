"""Where a running test is shown: a block of a terminal, or lines for a log."""

import os
from typing import Final, Protocol, TextIO

from kubectl_loadtest.following.readings import Reading
from kubectl_loadtest.views.live import live_lines, notice_of, phase_of, plain_line
from kubectl_loadtest.views.style import style_of
from loadgen.screen.drawing import TerminalBlock, can_redraw
from loadgen.screen.lasting import write_if_possible

LINE_SECONDS: Final = 3.0


class ReadingScreen(Protocol):
    """Shows readings of a test."""

    def show(self, reading: Reading, elapsed_seconds: float) -> None: ...

    def close(self) -> None:
        """Clear what would be drawn over; lines stay."""


class BlockReadingScreen:
    """A block that is drawn over itself."""

    def __init__(self, stream: TextIO) -> None:
        self._block = TerminalBlock(stream)
        self._stream = stream

    def show(self, reading: Reading, elapsed_seconds: float) -> None:
        # The terminal may have been made wider meanwhile.
        self._block.draw(live_lines(reading.test, elapsed_seconds, style_of(self._stream), reading.trouble))

    def close(self) -> None:
        self._block.close()


class LineReadingScreen:
    """A line when the phase or what holds the load changes, and else what is new every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ("", "")
        self._line = ""
        self._printed_at = 0.0

    def show(self, reading: Reading, elapsed_seconds: float) -> None:
        stage = phase_of(reading.test), notice_of(reading.test)
        line = reading.trouble or plain_line(reading.test, elapsed_seconds)
        is_due = elapsed_seconds - self._printed_at >= LINE_SECONDS
        if stage != self._stage or (is_due and line != self._line):
            self._stage, self._line, self._printed_at = stage, line, elapsed_seconds
            write_if_possible(self._stream, f"{elapsed_seconds:5.0f} s  {line}\n")

    def close(self) -> None:
        pass


def screen_of(stream: TextIO) -> ReadingScreen:
    """The best that a stream can do."""
    return BlockReadingScreen(stream) if can_redraw(stream, os.environ) else LineReadingScreen(stream)
