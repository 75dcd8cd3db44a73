"""A secret that a file or a variable of the environment holds, as one line."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from loadtest_model.plan import SecretPlace


class TokenUnreadableError(ValueError):
    """There is no usable token or other secret; the message says where it was looked for and never quotes it."""


class SecretText(Protocol):
    """Gives a secret."""

    def read(self) -> str:
        """The secret. Raises TokenUnreadableError if there never was one; never after the first one."""
        ...

    def note_refusal(self, text: str) -> None:
        """The target answered 401 to this secret."""
        ...


class SecretFile:
    """A secret in a file, which is read again when it has changed and when it was refused.

    `parse` gives the secret in the file's text, or raises ValueError without quoting it. `noun` says what it is.
    """

    def __init__(self, path: Path, parse: Callable[[str], str], noun: str) -> None:
        self._path = path
        self._parse = parse
        self._noun = noun
        self._stamp: tuple[int, int, int] | None = None
        self.text: str | None = None

    def read(self) -> str:
        """A file that has become unreadable leaves the secret that was read last."""
        try:
            status = self._path.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if stamp != self._stamp or self.text is None:
                self.text = self._parse(self._path.read_text("utf-8"))
                self._stamp = stamp
        except (OSError, ValueError) as error:
            if self.text is None:
                raise TokenUnreadableError(f"no {self._noun} in {self._path}: {_reason(error)}") from error
        return self.text

    def note_refusal(self, text: str) -> None:
        if text == self.text:
            self._stamp = None


class FixedText:
    """A secret that never changes. Raises TokenUnreadableError where `parse` refuses it."""

    def __init__(self, text: str, parse: Callable[[str], str], noun: str, origin: str) -> None:
        try:
            self.text = parse(text)
        except ValueError as error:
            raise TokenUnreadableError(f"no {noun} in {origin}: {error}") from error

    def read(self) -> str:
        return self.text

    def note_refusal(self, text: str) -> None:
        """There is no other."""


def secret_text(
    place: SecretPlace, environment: Mapping[str, str], parse: Callable[[str], str], noun: str
) -> SecretFile | FixedText:
    """What gives the secret at a place. Raises TokenUnreadableError if a variable holds none."""
    if place.file is not None:
        return SecretFile(Path(place.file), parse, noun)
    variable = place.variable or ""
    return FixedText(environment.get(variable, ""), parse, noun, f"the environment variable {variable}")


def _reason(error: Exception) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
