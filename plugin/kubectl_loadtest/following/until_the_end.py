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
from kubectl_loadtest.kubectl import Kubectl, KubectlError
from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.views.style import say
from loadtest_model.protocol.exits import ExitStatus


class HeldSignals:
    """Counts SIGINT and SIGTERM, which end nothing before the second one. `take` says whether one has come."""

    def __init__(self) -> None:
        self._count = 0

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            raise KeyboardInterrupt

    def take(self) -> bool:
        has_come, self._count = self._count > 0, 0
        return has_come


@contextmanager
def holding_signals() -> Iterator[HeldSignals]:
    """Let what is under way end, such as applying a test or saving its results; a second signal leaves all the same."""
    held = HeldSignals()
    with _handled(held.handle):
        yield held


def wait_for_end(
    kubectl: Kubectl,
    name: str,
    run_id: str | None,
    *,
    stop_on_interrupt: bool,
    test: LoadTest | None = None,
    held: HeldSignals | None = None,
) -> LoadTest:
    """Show a test on standard error until its run has ended, and return it.

    `run_id` names the run that is waited for, None the one that the test has now. Ctrl-C or SIGTERM leave the test
    running, or with `stop_on_interrupt` have it stopped and wait on; a second one leaves. Raises CommandError then, and
    if the run gives way to another. `test` is what is known already, and `held` what came before.
    """
    begun_at = time.monotonic()
    screen = screen_of(sys.stderr)
    is_to_stop = is_stopped = False
    with interruptible():
        while True:
            try:
                if held is not None and held.take():
                    _interrupt()
                for reading in readings(kubectl, name, test):
                    test = reading.test
                    run_id = run_id or test.run_id
                    if test.run_id != run_id:
                        raise _replaced(name, run_id, test.run_id)
                    if is_to_stop and not is_stopped:
                        is_stopped = _stop(kubectl, name)
                    screen.show(reading, time.monotonic() - begun_at)
                    if test.is_completed:
                        return test
            except KeyboardInterrupt:
                if is_to_stop or not stop_on_interrupt:
                    raise _left(kubectl, name, is_stopped=is_stopped) from None
                is_to_stop = True
            except KubectlError as error:
                # Without a verdict nothing was said about the target, so the status is not that of Failed.
                error.status = ExitStatus.INCONCLUSIVE
                raise
            finally:
                screen.close()


def _stop(kubectl: Kubectl, name: str) -> bool:
    """Have a test stopped; False if the API server could not be asked. Raises KubectlError if it will not do it."""
    try:
        kubectl.change(name, {"stop": True})
    except KubectlError as error:
        if not error.may_pass:
            raise
        return False
    say([f"stopping {name}: uploads in flight may finish; Ctrl-C again leaves it to itself"], sys.stderr)
    return True


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


def _interrupt(_number: int = signal.SIGINT, _frame: FrameType | None = None) -> None:
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Have SIGTERM count as Ctrl-C, so that nothing that was started goes on by itself."""
    with _handled(_interrupt):
        yield


@contextmanager
def _handled(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle Ctrl-C and SIGTERM, by which pipelines end a step."""
    handlers: dict[int, Callable[[int, FrameType | None], object] | int | None] = {
        number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
