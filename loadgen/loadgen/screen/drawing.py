"""Where progress is shown: a block of a terminal that is drawn again and again, or plain lines now and then."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TextIO

from loadgen.screen.lasting import write_if_possible
from loadgen.screen.styling import clip_to_width
from loadgen.screen.view import FULL, progress_frame, progress_line
from loadtest_model.report.progress import RunProgress

REDRAW_SECONDS: Final = 0.5
LINE_SECONDS: Final = 10.0

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_CLEAR_LINE: Final = "\x1b[2K"
_CLEAR_BELOW: Final = "\x1b[J"


class Screen(Protocol):
    """Shows progress every `pause_seconds`, and how often the run was interrupted, see `view`."""

    pause_seconds: float

    def show(self, progress: RunProgress, interruptions: int = 0) -> None: ...

    def close(self) -> None:
        """Leave the place as it was; what was shown last as lines stays."""


class SilentScreen:
    """Shows nothing."""

    pause_seconds = LINE_SECONDS

    def show(self, progress: RunProgress, interruptions: int = 0) -> None:
        pass

    def close(self) -> None:
        pass


class LineScreen:
    """A line each time."""

    pause_seconds = LINE_SECONDS

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def show(self, progress: RunProgress, interruptions: int = 0) -> None:
        write_if_possible(self._stream, f"{progress_line(progress, interruptions)}\n")

    def close(self) -> None:
        pass


class TerminalBlock:
    """Lines at the bottom of a terminal, drawn over themselves."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._height = 0
        self.has_unicode = can_encode(stream, FULL)

    @property
    def width(self) -> int:
        """How wide a line may be that is not cut."""
        return max(20, _columns(self._stream) - 1)

    def draw(self, lines: Sequence[str]) -> None:
        # A line that is longer than the terminal would wrap, and the next frame would begin in the wrong place.
        screen_text = "".join(f"{_CLEAR_LINE}{clip_to_width(text, self.width)}\n" for text in lines)
        cursor_move = f"\x1b[{self._height}A\r" if self._height else _HIDE_CURSOR
        # What a higher frame left below this one goes.
        write_if_possible(self._stream, f"{cursor_move}{screen_text}{_CLEAR_BELOW}")
        self._height = len(lines)

    def close(self) -> None:
        """Clear the place."""
        if self._height:
            write_if_possible(self._stream, f"\x1b[{self._height}A\r{_CLEAR_BELOW}{_SHOW_CURSOR}")
        self._height = 0


class BlockScreen:
    """A block at the bottom of a terminal."""

    pause_seconds = REDRAW_SECONDS

    def __init__(self, stream: TextIO) -> None:
        self._block = TerminalBlock(stream)

    def show(self, progress: RunProgress, interruptions: int = 0) -> None:
        self._block.draw(progress_frame(progress, interruptions, unicode=self._block.has_unicode))

    def close(self) -> None:
        self._block.close()


def can_redraw(stream: TextIO, environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a stream is a terminal that understands the sequences of `BlockScreen`."""
    if not stream.isatty() or environment.get("TERM") == "dumb":
        return False
    # The old console of Windows prints them; its successor and the terminals of editors name themselves.
    return platform != "win32" or any(name in environment for name in ("WT_SESSION", "ANSICON", "TERM"))


def wants_colour(stream: TextIO, environment: Mapping[str, str]) -> bool:
    """Whether to colour what goes to a stream: a terminal, unless NO_COLOR says otherwise (no-color.org)."""
    return not environment.get("NO_COLOR") and can_redraw(stream, environment)


def terminal_width(stream: TextIO) -> int | None:
    """How wide lines may be that go to a stream; None for a file or a pipe, where any width will do."""
    return _columns(stream) if stream.isatty() else None


def _columns(stream: TextIO) -> int:
    """The width of the terminal that a stream is, which need not be that of standard output."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    # Some terminals do not know their size and say 0.
    return columns or shutil.get_terminal_size().columns


def can_encode(stream: TextIO, text: str) -> bool:
    """Whether the encoding of a stream has all characters of a text."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def write_utf8(text: str) -> None:
    """Write what a program will read to standard output: in UTF-8, whatever a terminal would be given."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
