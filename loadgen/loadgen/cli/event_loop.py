"""The event loop that programs of this package run on: uvloop where it exists."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

_OPEN_FILES: Final = 65_536

Result = TypeVar("Result")


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end on a loop of its own, with as many connections as the system lets it have."""
    _allow_many_connections()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _allow_many_connections() -> None:
    """Container runtimes start programs with a limit of 1,024 open files: fewer than a thousand peers to halt need."""
    try:
        import resource  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    new_limit = min(hard, _OPEN_FILES) if hard != resource.RLIM_INFINITY else _OPEN_FILES
    if soft != resource.RLIM_INFINITY and soft < new_limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (new_limit, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 - not there on every platform
    except ImportError:
        return None
    return new_event_loop
