"""Readings of a LoadTest as it changes, from `kubectl get --watch`, through outages of the API server."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from kubectl_loadtest.errors import CommandError
from kubectl_loadtest.kubectl import Kubectl, KubectlError, error_of
from kubectl_loadtest.resources.load_test import RESOURCE, LoadTest
from loadtest_model.protocol.exits import ExitStatus

Json = dict[str, Any]

TICK_SECONDS: Final = 0.5
SILENCE_SECONDS: Final = 30.0
"""A watch that brings nothing for so long is begun again: a connection may be gone without a word."""

_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The last that is known of a test; `trouble` says why nothing newer can be read at the moment."""

    test: LoadTest
    trouble: str = ""


class Watch:
    """One `kubectl get --watch` of a test: it begins with the test as it is, and then brings each change."""

    def __init__(self, kubectl: Kubectl, name: str) -> None:
        self._process = kubectl.start("get", RESOURCE, name, "--watch", "--output-watch-events", "--output=json")
        self._documents: queue.Queue[Json | None] = queue.Queue()
        self._stderr: list[str] = []
        self._readers = [
            threading.Thread(target=self._read_documents, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def next(self, seconds: float) -> Json | None:
        """The next event, None if there is none within so long. Raises EOFError when the watch has ended."""
        try:
            event = self._documents.get(timeout=seconds)
        except queue.Empty:
            return None
        if event is None:
            raise EOFError
        return event

    def end(self) -> KubectlError | None:
        """End the watch; gives what kubectl said if it had failed by itself."""
        has_failed = self._process.poll() is not None and self._process.returncode > 0
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        return error_of("".join(self._stderr)) if has_failed else None

    def _read_documents(self) -> None:
        """Split the output into documents: each is a line, or is indented and ends with a brace of its own."""
        lines: list[str] = []
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        for line in self._process.stdout:
            lines.append(line)
            if line.rstrip() == "}" or (line.startswith("{") and line.rstrip().endswith("}")):
                self._documents.put(json.loads("".join(lines)))
                lines.clear()
        self._process.wait()
        self._documents.put(None)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None  # noqa: S101 - it is a pipe
        self._stderr.extend(self._process.stderr)


def readings(kubectl: Kubectl, name: str, test: LoadTest | None = None) -> Iterator[Reading]:
    """Readings of a test, one for each change and at least one every tick, for as long as there is the test.

    `test` is the last reading, if there was one: an outage is no reason to end then. Raises KubectlError if it cannot
    be read to begin with, or may not be read any more, and CommandError if it was deleted.
    """
    trouble, pause_seconds = "", _FIRST_PAUSE_SECONDS
    while True:
        watch, begun_at = Watch(kubectl, name), time.monotonic()
        try:
            for event in _events(watch):
                if event is not None:
                    test, trouble, pause_seconds = _test_in(event, name), "", _FIRST_PAUSE_SECONDS
                if test is not None:
                    yield Reading(test, trouble)
        finally:
            error = watch.end()
        if error is not None:
            if error.is_not_found and test is not None:
                raise _deleted(name)
            if test is None or error.is_refusal or error.is_not_found:
                raise error
            trouble = f"the API server cannot be asked at the moment: {error.message}"
        # A watch that the server ended in order is begun again at once.
        if error is not None or time.monotonic() - begun_at < _FIRST_PAUSE_SECONDS:
            yield from _wait(test, trouble, pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)


def _events(watch: Watch) -> Iterator[Json | None]:
    """The events of a watch, and None each tick, until it ends or has been silent for too long."""
    heard_at = time.monotonic()
    while time.monotonic() - heard_at < SILENCE_SECONDS:
        try:
            event = watch.next(TICK_SECONDS)
        except EOFError:
            return
        if event is not None:
            heard_at = time.monotonic()
        yield event


def _wait(test: LoadTest | None, trouble: str, seconds: float) -> Iterator[Reading]:
    deadline = time.monotonic() + seconds
    while (remaining_seconds := deadline - time.monotonic()) > 0:
        time.sleep(min(TICK_SECONDS, remaining_seconds))
        if test is not None:
            yield Reading(test, trouble)


def _test_in(event: Json, name: str) -> LoadTest:
    if event["type"] == "DELETED":
        raise _deleted(name)
    return LoadTest(event["object"])


def _deleted(name: str) -> CommandError:
    return CommandError(
        f"error: loadtest {name} was deleted",
        "nothing of it loads any more; its results went with it",
        ExitStatus.INCONCLUSIVE,
    )
