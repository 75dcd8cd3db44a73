"""The generator's side of its live page: the process is started, told how the run stands, and ended."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from typing import Final, Self

import msgspec

from loadgen.live.messages import Ending, Look, Message, Opening, Serving, packed
from loadgen.local.session import Session
from loadgen.options.errors import UsageError
from loadtest_model.plan import Plan
from loadtest_model.report.status import Phase
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow
from loadtest_model.secrecy import without_secrets

DEFAULT_PORT: Final = 8082
LOOK_SECONDS: Final = 1.0
MOST_UNREAD_BYTES: Final = 4_000_000
"""What may wait for a process that does not read; what is left out comes with the next look."""
READY_SECONDS: Final = 30.0
END_SECONDS: Final = 5.0


class PageProcess:
    """The process that serves the page of a session. It ends with the process that started it."""

    def __init__(self, session: Session, process: Process, port: int) -> None:
        self._session = session
        self._process = process
        self._sequence = 0
        self.address = f"http://127.0.0.1:{port}/"

    @classmethod
    async def start(cls, session: Session, manifest: str, port: int | None) -> Self:
        """Start it on a port; without one on the usual port, or another if that is taken. Raises UsageError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "loadgen.live", stdin=PIPE, stdout=PIPE
        )
        plan = msgspec.convert(without_secrets(session.plan), Plan)
        opening = Opening(
            port=DEFAULT_PORT if port is None else port, may_move=port is None, plan=plan, manifest=manifest
        )
        serving = Serving(problem="its process did not start")
        try:
            async with asyncio.timeout(READY_SECONDS):
                _write(process, opening)
                assert process.stdout is not None  # noqa: S101 - for the type checker
                line = await process.stdout.readline()
                if line:
                    serving = msgspec.json.decode(line, type=Serving)
        except (TimeoutError, ConnectionError, msgspec.DecodeError):
            pass
        if serving.problem:
            await _end(process)
            raise UsageError(f"--ui: there is no page, because {serving.problem}")
        return cls(session, process, serving.port)

    async def follow(self) -> None:
        """Tell how the run stands, again and again."""
        while True:
            self.tell()
            await asyncio.sleep(LOOK_SECONDS)

    def tell(self) -> None:
        """Tell how the run stands now, unless earlier messages were not read yet."""
        stdin = self._process.stdin
        if stdin is None or stdin.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            return
        session = self._session
        snapshot = session.snapshot_since(self._sequence)
        self._sequence = snapshot.sequence
        phase, message = _phase(session)
        _write(self._process, Look(phase=phase, message=message, snapshot=snapshot, started_at=session.started_at))

    def end(self, summary: Summary, rows: tuple[SeriesRow, ...]) -> None:
        """Tell what the run came to."""
        _write(self._process, Ending(summary=summary, rows=rows))

    async def wait(self) -> None:
        """Wait until the process has ended by itself."""
        await self._process.wait()

    async def close(self) -> None:
        """Let everybody who looks see the last state, and end the process."""
        await _end(self._process)


def _phase(session: Session) -> tuple[str, str]:
    if session.interrupts.count:
        cut = session.interrupts.count == 2
        return Phase.STOPPING, "uploads in flight are cut" if cut else "uploads in flight may still finish"
    if session.started_at is None:
        return Phase.VERIFYING, "the target must prove that it honours the header; nothing is loaded before"
    if session.is_running:
        return Phase.RUNNING, ""
    return Phase.RUNNING, "the load is over; what the target has stored is read back"


def _write(process: Process, message: Message) -> None:
    stdin = process.stdin
    if stdin is not None and not stdin.is_closing():
        # A page that has ended by mishap must not end the run with it.
        stdin.write(packed(message))


async def _end(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(END_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
