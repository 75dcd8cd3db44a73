"""Loadgen pods as processes of their own, on addresses of their own in 127.0.0.0/8, commanded as the operator does."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.plan import Plan, plan_hash
from loadtest_model.protocol.commands import CONTROL_PORT, Ack, Arm, Start, Verb
from loadtest_model.protocol.last_word import decode_last_word
from support.loadgen_plans import token
from support.loopback import free_address

PATIENCE_SECONDS = 30.0


class PodProcess:
    """A running pod."""

    def __init__(self, process: asyncio.subprocess.Process, ip: str, plan: Plan, termination_file: Path) -> None:
        self.process = process
        self.ip = ip
        self.plan = plan
        self.termination_file = termination_file

    @property
    def peer(self) -> str:
        return f"{self.ip}:{CONTROL_PORT}"

    async def get(self, path: str) -> tuple[int, bytes]:
        async with aiohttp.ClientSession() as session, session.get(f"http://{self.peer}{path}") as answer:
            return answer.status, await answer.read()

    async def snapshot(self, since: int = 0) -> Snapshot:
        status, body = await self.get(f"/snapshot?since={since}")
        assert status == 200
        return msgspec.json.decode(body, type=Snapshot)

    async def command(
        self, verb: Verb, body: Any = None, *, authorization: str | None = None
    ) -> tuple[int, dict[str, str]]:
        """Give a command, with its own token unless another authorization is given."""
        header = f"Bearer {token(verb, self.plan.run_id)}" if authorization is None else authorization
        content = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                f"http://{self.peer}/{verb}", data=content, headers={"Authorization": header} if header else {}
            ) as answer,
        ):
            return answer.status, msgspec.json.decode(await answer.read(), type=dict[str, str])

    async def until(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        """The first snapshot that something holds of."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                snapshot = await self.snapshot()
                if condition(snapshot):
                    return snapshot
                await asyncio.sleep(0.02)

    async def until_state(self, *states: PodState) -> Snapshot:
        return await self.until(lambda snapshot: snapshot.state in states)

    async def until_final(self) -> Snapshot:
        return await self.until(lambda snapshot: snapshot.final)

    async def verify(self) -> Snapshot:
        """Have the pod verify its target; gives the snapshot with the outcome."""
        assert (await self.command(Verb.VERIFY))[0] == 200
        return await self.until_state(PodState.VERIFIED, PodState.REFUSED)

    async def arm(self, start_id: str = "s1") -> tuple[int, dict[str, str]]:
        return await self.command(Verb.ARM, Arm(start_id=start_id, plan_hash=plan_hash(self.plan)))

    async def start(
        self, start_id: str = "s1", peers: tuple[str, ...] = (), in_seconds: float = 0.1
    ) -> tuple[int, dict[str, str]]:
        halt_token = token(Verb.HALT, self.plan.run_id)
        return await self.command(
            Verb.START, Start(start_id=start_id, in_seconds=in_seconds, peers=peers, halt_token=halt_token)
        )

    async def ack(self, sequence: int) -> None:
        assert (await self.command(Verb.ACK, Ack(sequence=sequence)))[0] == 200

    async def until_exited(self, within_seconds: float = PATIENCE_SECONDS) -> int:
        """The exit code."""
        async with asyncio.timeout(within_seconds):
            return await self.process.wait()

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def last_word(self) -> Snapshot:
        """What the pod left in its termination message."""
        snapshot = decode_last_word(self.termination_file.read_text())
        assert snapshot is not None
        return snapshot


async def start_fleet(pods: "tuple[PodProcess, ...]") -> None:
    """Verify, arm and start all pods, each with the others as its peers."""
    for pod in pods:
        assert (await pod.verify()).state is PodState.VERIFIED
    for pod in pods:
        assert (await pod.arm())[0] == 200
    for pod in pods:
        peers = tuple(other.peer for other in pods if other is not pod)
        assert (await pod.start(peers=peers))[0] == 200


def pod_environment(plan: Plan, folder: Path, index: int = 0, *, ip: str) -> dict[str, str]:
    """The variables that a Job's pod is told by."""
    return {
        "LOADTEST_PLAN": msgspec.json.encode(plan).decode(),
        "JOB_COMPLETION_INDEX": str(index),
        "POD_IP": ip,
        "POD_UID": f"uid-{index}",
        "TERMINATION_MESSAGE_PATH": str(folder / f"termination-{index}"),
    }


@asynccontextmanager
async def pod_process(
    plan: Plan,
    folder: Path,
    index: int = 0,
    *,
    log: Path | None = None,
    prefix: Sequence[str] = (),
    inherited: Mapping[str, str] = os.environ,
    **environment: str,
) -> AsyncIterator[PodProcess]:
    """A pod that serves its control server; it is killed when the block ends, if it still runs.

    What it logs goes to the file `log`, or where the test's own errors go. `prefix` stands before its command, and
    `inherited` is the environment beneath what a pod is told.
    """
    ip = free_address()
    pod_variables = pod_environment(plan, folder, index, ip=ip)
    with log.open("wb") if log else nullcontext() as stderr:
        process = await asyncio.create_subprocess_exec(
            *prefix,
            sys.executable,
            "-m",
            "loadgen.cli.main",
            "pod",
            env={**inherited, **pod_variables, **environment},
            stderr=stderr,
        )
    pod = PodProcess(process, ip, plan, Path(pod_variables["TERMINATION_MESSAGE_PATH"]))
    try:
        await _until_serving(pod)
        yield pod
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def fleet(plan: Plan, folder: Path) -> AsyncIterator[tuple[PodProcess, ...]]:
    """All pods of a plan."""
    async with AsyncExitStack() as stack:
        pods = [stack.enter_async_context(pod_process(plan, folder, index)) for index in range(plan.parallelism)]
        yield tuple([await pod for pod in pods])


async def _until_serving(pod: PodProcess) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while pod.process.returncode is None:
            try:
                await pod.get("/healthz")
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)
            else:
                return
