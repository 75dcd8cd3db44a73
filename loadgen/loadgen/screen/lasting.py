"""Writing for people without whom a run goes on: `tee` ends with Ctrl-C, and a terminal with its connection."""

import os
from contextlib import suppress
from typing import TextIO


def write_if_possible(stream: TextIO, text: str) -> None:
    """Write and flush; once that fails, the stream takes everything and keeps nothing."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        discard_all(stream)


def discard_all(stream: TextIO) -> None:
    """Have a stream take what is in its buffer, which would fail again as the process ends and change its status."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
