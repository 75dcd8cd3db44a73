"""One run of one container: its sandbox process, and what can be done to it."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM, SIGUSR1

from localcluster.node.sandbox import SandboxSpec

_REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class StartFailure:
    """The container's program could not be executed."""

    message: str


@dataclass(slots=True)
class ContainerProcess:
    """A running container. pid is its first process, exit_code its end's, both as the node sees them."""

    pid: int
    _sandbox: asyncio.subprocess.Process
    _spec_file: Path

    async def exit_code(self) -> int:
        """Wait until the container's whole process tree has ended; 128 + n after signal n."""
        code = await self._sandbox.wait()
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        self._signal(SIGTERM)

    def kill(self) -> None:
        self._signal(SIGUSR1)

    async def execute(self, argv: Sequence[str]) -> int:
        """Run a command in the container and return its exit code."""
        command = await _sandbox_command("enter", str(self.pid), str(self._spec_file), *argv)
        try:
            return await command.wait()
        finally:
            if command.returncode is None:
                command.kill()

    def _signal(self, number: int) -> None:
        if self._sandbox.returncode is None:
            self._sandbox.send_signal(number)


async def start(spec: SandboxSpec, spec_file: Path, log_file: Path) -> ContainerProcess | StartFailure:
    """Start a container whose output is added to log_file. spec_file is written, for its owner alone."""
    _write_for_owner(spec_file, spec.encode())
    read_fd, write_fd = os.pipe()
    try:
        with log_file.open("ab") as log:
            sandbox = await _sandbox_command(
                "run", str(spec_file), str(write_fd), output=log.fileno(), pass_fd=write_fd
            )
    finally:
        os.close(write_fd)
    try:
        report = await _read_line(read_fd)
    except asyncio.CancelledError:
        sandbox.kill()
        raise
    word, _, rest = report.decode(errors="replace").partition(" ")
    if word == "started":
        return ContainerProcess(int(rest), sandbox, spec_file)
    await sandbox.wait()
    return StartFailure(rest or "the container's sandbox ended before it started")


def _write_for_owner(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


async def _sandbox_command(
    *arguments: str, output: int = asyncio.subprocess.DEVNULL, pass_fd: int | None = None
) -> asyncio.subprocess.Process:
    verb, *rest = arguments
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-S", "-E", "-m", "localcluster.node.sandbox", verb, str(os.getpid()), *rest),
        cwd=_REPOSITORY,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=() if pass_fd is None else (pass_fd,),
    )


async def _read_line(fd: int) -> bytes:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
    )
    try:
        return (await reader.readline()).rstrip(b"\n")
    finally:
        transport.close()
