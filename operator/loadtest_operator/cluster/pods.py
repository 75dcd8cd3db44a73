"""Requests to the pods' control servers: for their snapshots, and with the operator's commands."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

import msgspec

from loadtest_control.client import NO_ANSWER, Answer, ControlClient
from loadtest_control.requests import get_request, post_request
from loadtest_model.measurement.snapshot import Snapshot
from loadtest_model.protocol.commands import Verb, command_token, control_address
from loadtest_operator.cluster.side_by_side import side_by_side

_SNAPSHOT_SECONDS: Final = 3.0
COMMAND_SECONDS: Final = 5.0
MOST_AT_ONCE: Final = 100
"""So many pods of one fleet are spoken to at once. The bound is each fleet's own, so that one that is silent takes no
other's turn, and what a pod takes to answer does not count the wait for its turn."""
# A day's seconds are 20 to 45 MB, by the number of answers, and an operator that was restarted asks for all of them.
_LARGEST_ANSWER_BYTES: Final = 64 * 1024 * 1024
_LARGEST_COMMAND_ANSWER_BYTES: Final = 64 * 1024
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
    """One command to one pod. `body` is encoded when it is sent, because it may depend on that instant."""

    ip: str
    verb: Verb
    body: Callable[[], bytes]


@dataclass(frozen=True)
class CommandAnswer:
    """What became of a command, and how long it took from the making of its body to the answer."""

    accepted: bool
    detail: str
    seconds: float


class PodClient:
    """A client to all pods. `key` proves the operator's commands; `clock` is monotonic, in seconds.

    `fence` is asked before each command whether this operator may still act; it does not return if it may not.
    """

    def __init__(self, key: bytes, clock: Callable[[], float], fence: Callable[[], None] = lambda: None) -> None:
        self._key = key
        self._clock = clock
        self._fence = fence
        self._client = ControlClient()
        self._large_answers = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def snapshot(self, ip: str, since: int, take: Taker = take_nothing) -> Snapshot | None:
        """What a pod measured, of the seconds only those changed after sequence `since`; None if it did not answer.

        `take` takes the answer in. The next large answer is read only after that.
        """
        address = control_address(ip)
        try:
            async with (
                asyncio.timeout(_SNAPSHOT_SECONDS) as deadline,
                self._client.exchange(address, lambda: get_request(address, f"/snapshot?since={since}")) as answer,
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
        """For each pod, by address and UID, an interval of the clock in which its load began; None if it does not
        tell.
        """

        async def ask(pod: tuple[str, str]) -> tuple[float, float] | None:
            ip, uid = pod
            sent_at = self._clock()
            snapshot = await self.snapshot(ip, _NO_SECONDS)
            if snapshot is None or snapshot.pod_uid != uid or snapshot.elapsed_seconds <= 0:
                return None
            return sent_at - snapshot.elapsed_seconds, self._clock() - snapshot.elapsed_seconds

        return await side_by_side(pods, ask, MOST_AT_ONCE)

    async def send_commands(self, uid: str, run_id: str, commands: list[Command]) -> list[CommandAnswer]:
        """Give commands to many pods at once; an answer for each, in their order."""
        verbs = {command.verb for command in commands}
        tokens = {verb: command_token(self._key, uid, run_id, verb) for verb in verbs}

        async def send(command: Command) -> CommandAnswer:
            return await self._send(command, tokens[command.verb])

        return await side_by_side(commands, send, MOST_AT_ONCE)

    async def _send(self, command: Command, token: str) -> CommandAnswer:
        address = control_address(command.ip)
        began_at = self._clock()
        # A pod may have obeyed a request whose connection was lost, so its time counts from the first one.
        made_at: list[float] = []

        def make_request() -> bytes:
            # The connecting may have taken a while.
            self._fence()
            made_at.append(self._clock())
            return post_request(address, f"/{command.verb}", token, command.body())

        self._fence()
        try:
            async with (
                asyncio.timeout(COMMAND_SECONDS),
                self._client.exchange(address, make_request) as answer,
            ):
                text = (await answer.read(_LARGEST_COMMAND_ANSWER_BYTES) or b"")[:200].decode(errors="replace")
                return CommandAnswer(answer.status == 200, f"{answer.status} {text}", self._clock() - made_at[0])
        except NO_ANSWER as error:
            return CommandAnswer(False, f"{type(error).__name__}: {error}", self._clock() - began_at)

    def halt_token(self, uid: str, run_id: str) -> str:
        """What lets one pod of a run halt another."""
        return command_token(self._key, uid, run_id, Verb.HALT)


async def _taken(snapshot: Snapshot | None, take: Taker) -> Snapshot | None:
    if snapshot is not None:
        await take(snapshot)
    return snapshot


async def _read_snapshot(answer: Answer) -> Snapshot | None:
    body = await answer.read(_LARGEST_ANSWER_BYTES)
    return None if body is None else _DECODER.decode(body)
