"""One line about what is being done: rewritten in place on a terminal, printed now and then elsewhere."""

import time
from typing import TextIO

_PLAIN_SECONDS = 10.0
_TERMINAL_SECONDS = 0.1


class ActivityLine:
    """Called with each news; shows it at once where it begins something else, and else not too often."""

    def __init__(self, output: TextIO, *, is_terminal: bool) -> None:
        self._output = output
        self._is_terminal = is_terminal
        self._shown_at = float("-inf")
        self._topic = ""
        self._open_line = False

    def __call__(self, text: str) -> None:
        topic, now = text.partition(":")[0], time.monotonic()
        pause = _TERMINAL_SECONDS if self._is_terminal else _PLAIN_SECONDS
        if topic == self._topic and now - self._shown_at < pause:
            return
        if self._is_terminal:
            self._output.write(f"\r\x1b[K{text}")
            self._open_line = True
        else:
            self._output.write(text + "\n")
        self._output.flush()
        self._topic, self._shown_at = topic, now

    def close(self) -> None:
        """End the line in place, if there is one."""
        if self._open_line:
            self._output.write("\r\x1b[K")
            self._output.flush()
            self._open_line = False
