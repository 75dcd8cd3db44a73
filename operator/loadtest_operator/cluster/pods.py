"""Speaking to the pods' control servers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import aiohttp
import msgspec

from loadtest_model.measurement.snapshot import Snapshot
from loadtest_model.protocol.commands import CONTROL_PORT, Verb, command_token
from loadtest_model.values import WireValue
from loadtest_operator.cluster.api import NO_ANSWER

_SCRAPE_SECONDS: Final = 3.0
COMMAND_SECONDS: Final = 5.0
MOST_AT_ONCE: Final = 100
"""So many pods of one fleet are spoken to at once. The bound is each fleet's own, so that one that is silent takes no
other's turn, and what a pod takes to answer does not count the wait for its turn."""
# A day's seconds are 20 to 45 MB, by the number of answers, and an operator that was restarted asks for all of them.
_LARGEST_ANSWER_BYTES: Final = 64 * 1024 * 1024
LARGE_ANSWER_BYTES: Final = 1024 * 1024
"""A larger answer is read only after the one before it was taken in: forty at once would not fit into memory."""
_LARGE_ANSWER_SECONDS: Final = 30.0

_NO_SECONDS: Final = 2**53
"""A sequence number that no pod reaches: its answer brings no second of the time series."""

_DECODER: Final = msgspec.json.Decoder(Snapshot)

Taker = Callable[[Snapshot], Awaitable[None]]


async def take_nothing(_snapshot: Snapshot) -> None:
    return


@dataclass(frozen=True)
class Command:
    """One command to one pod. `body` is made when it is sent, since it may depend on the time then."""

    ip: str
    verb: Verb
    body: Callable[[], WireValue | None]


@dataclass(frozen=True)
class CommandAnswer:
    """What became of a command, and how long it took from sending to the answer."""

    accepted: bool
    detail: str
    seconds: float


class PodClient:
    """An HTTP client to all pods. `key` proves the operator's commands; `clock` is monotonic, in seconds.

    `fence` is asked before each command whether this operator may still act; it does not return if it may not.
    """

    def __init__(self, key: bytes, clock: Callable[[], float], fence: Callable[[], None] = lambda: None) -> None:
        self._key = key
        self._clock = clock
        self._fence = fence
        self._session: aiohttp.ClientSession | None = None
        self._large_answers = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._open_session.close()

    async def snapshot(self, ip: str, since: int, take: Taker = take_nothing) -> Snapshot | None:
        """What a pod measured, of the seconds only those changed after sequence `since`; None if it did not answer.

        `take` takes the answer in. The next large answer is read only after that.
        """
        try:
            async with (
                asyncio.timeout(_SCRAPE_SECONDS) as deadline,
                self._open_session.get(
                    f"{_base(ip)}/snapshot",
                    params={"since": str(since)},
                    timeout=aiohttp.ClientTimeout(total=None),
                    allow_redirects=False,
                ) as answer,
            ):
                if answer.status != 200:
                    return None
                if answer.content_length is not None and answer.content_length <= LARGE_ANSWER_BYTES:
                    snapshot = await _read_snapshot(answer)
                    deadline.reschedule(None)
                    return await _taken(snapshot, take)
                # The pod has answered; that others are read first is no silence of its own.
                deadline.reschedule(None)
                async with self._large_answers:
                    deadline.reschedule(asyncio.get_running_loop().time() + _LARGE_ANSWER_SECONDS)
                    snapshot = await _read_snapshot(answer)
                    deadline.reschedule(None)
                    return await _taken(snapshot, take)
        except (*NO_ANSWER, msgspec.DecodeError):
            return None

    async def load_beginnings(self, pods: list[tuple[str, str]]) -> list[tuple[float, float] | None]:
        """For each pod, by address and UID, an interval of the clock in which its load began; None where it does not
        tell.
        """
        gate = asyncio.Semaphore(MOST_AT_ONCE)

        async def ask(ip: str, uid: str) -> tuple[float, float] | None:
            async with gate:
                sent_at = self._clock()
                snapshot = await self.snapshot(ip, _NO_SECONDS)
                if snapshot is None or snapshot.pod_uid != uid or snapshot.elapsed_seconds <= 0:
                    return None
                return sent_at - snapshot.elapsed_seconds, self._clock() - snapshot.elapsed_seconds

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(ask(*pod)) for pod in pods]
        return [task.result() for task in tasks]

    async def send_commands(self, uid: str, run_id: str, commands: list[Command]) -> list[CommandAnswer]:
        """Give commands to many pods at once; an answer for each, in their order."""
        gate = asyncio.Semaphore(MOST_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._send_in_turn(uid, run_id, command, gate)) for command in commands]
        return [task.result() for task in tasks]

    async def _send_in_turn(self, uid: str, run_id: str, command: Command, gate: asyncio.Semaphore) -> CommandAnswer:
        async with gate:
            return await self._send(uid, run_id, command)

    async def _send(self, uid: str, run_id: str, command: Command) -> CommandAnswer:
        sent_at = self._clock()
        body = command.body()
        token = command_token(self._key, uid, run_id, command.verb)
        self._fence()
        try:
            async with self._open_session.post(
                f"{_base(command.ip)}/{command.verb}",
                data=msgspec.json.encode(body) if body is not None else b"",
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=COMMAND_SECONDS),
                allow_redirects=False,
            ) as answer:
                text = (await answer.text())[:200]
                return CommandAnswer(answer.status == 200, f"{answer.status} {text}", self._clock() - sent_at)
        except NO_ANSWER as error:
            return CommandAnswer(False, f"{type(error).__name__}: {error}", self._clock() - sent_at)

    def halt_token(self, uid: str, run_id: str) -> str:
        """What lets one pod of a run halt another."""
        return command_token(self._key, uid, run_id, Verb.HALT)

    @property
    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is used outside of its `async with`")
        return self._session


async def _taken(snapshot: Snapshot | None, take: Taker) -> Snapshot | None:
    if snapshot is not None:
        await take(snapshot)
    return snapshot


async def _read_snapshot(answer: aiohttp.ClientResponse) -> Snapshot | None:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > _LARGEST_ANSWER_BYTES:
            return None
    return _DECODER.decode(body)


def control_address(ip: str) -> str:
    return f"[{ip}]:{CONTROL_PORT}" if ":" in ip else f"{ip}:{CONTROL_PORT}"


def _base(ip: str) -> str:
    return f"http://{control_address(ip)}"
