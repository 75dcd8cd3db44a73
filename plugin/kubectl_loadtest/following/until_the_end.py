"""Waiting for a run to end, and what an interruption of that means for the run."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from kubectl_loadtest.errors import CommandError
from kubectl_loadtest.following.readings import readings
from kubectl_loadtest.following.screens import screen_of
from kubectl_loadtest.kubectl import Kubectl
from kubectl_loadtest.resources.load_test import LoadTest
from loadtest_model.protocol.exits import ExitStatus


def wait_for_end(kubectl: Kubectl, name: str, run_id: str | None, *, stop_on_interrupt: bool) -> LoadTest:
    """Show a test on standard error until its run has ended, and return it.

    `run_id` names the run that is waited for, None the one that the test has now. Ctrl-C or SIGTERM leave the test
    running, or with `stop_on_interrupt` have it stopped and wait on; a second one leaves. Raises CommandError then, and
    if the run gives way to another.
    """
    begun_at = time.monotonic()
    screen = screen_of(sys.stderr)
    is_stopped = False
    with _interruptible():
        while True:
            try:
                for reading in readings(kubectl, name):
                    run_id = run_id or reading.test.run_id
                    if reading.test.run_id != run_id:
                        raise _replaced(name, run_id, reading.test.run_id)
                    screen.show(reading, time.monotonic() - begun_at)
                    if reading.test.is_completed:
                        return reading.test
            except KeyboardInterrupt:
                if is_stopped or not stop_on_interrupt:
                    raise _left(kubectl, name, is_stopped=is_stopped) from None
                is_stopped = True
                screen.close()
                kubectl.change(name, {"stop": True})
                print(
                    f"stopping {name}: uploads in flight may finish; Ctrl-C again leaves it to itself", file=sys.stderr
                )
            finally:
                screen.close()


def _left(kubectl: Kubectl, name: str, *, is_stopped: bool) -> CommandError:
    if is_stopped:
        return CommandError(
            f"left {name}, which is being stopped",
            f"`kubectl loadtest watch {name}{kubectl.flag_text}` shows how it ends",
            ExitStatus.INCONCLUSIVE,
        )
    return CommandError(
        f"left {name} to itself; it goes on",
        f"`kubectl loadtest stop {name}{kubectl.flag_text}` stops it,"
        f" `kubectl loadtest watch {name}{kubectl.flag_text}` shows it again",
        ExitStatus.INCONCLUSIVE,
    )


def _replaced(name: str, run_id: str, other_run_id: str) -> CommandError:
    return CommandError(
        f"error: run {run_id} of {name} gave way to run {other_run_id}, which somebody started",
        f"`kubectl loadtest results {name}@{run_id}` has what the earlier run came to",
        ExitStatus.INCONCLUSIVE,
    )


@contextmanager
def _interruptible() -> Iterator[None]:
    """Have SIGTERM, by which pipelines end a step, count as Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    handlers: dict[int, Callable[[int, FrameType | None], object] | int | None] = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
