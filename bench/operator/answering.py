"""Pods that only answer: control servers on addresses of their own, in a process of their own.

`python -m bench.operator.answering FIRST_INDEX COUNT PREFIX` serves `PREFIX.0.1` and the next addresses until its
standard input ends.
"""

import asyncio
import os
import sys
from typing import Any, Final

from aiohttp import web

from bench.operator.merging import SimulatedPod
from loadgen.cli.event_loop import run
from loadgen.fleet.control import control_application
from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.protocol.commands import CONTROL_PORT, Verb
from loadtest_operator.cluster.tokens import command_digests

KEY: Final = b"k" * 32
UID: Final = "uid-1"
RUN_ID: Final = "1"

_BEGIN_SECONDS: Final = 10
_LOOK_SECONDS: Final = 2


class AnsweringPod:
    """A pod that has loaded for two more seconds each time when it is asked, and takes every command."""

    def __init__(self, index: int) -> None:
        self._pod = SimulatedPod(index)
        self._seconds = _BEGIN_SECONDS

    def snapshot(self, since: int) -> Snapshot:
        self._pod.load_until(self._seconds)
        self._seconds += _LOOK_SECONDS
        self._pod.sequence = since
        return self._pod.snapshot()

    def command(self, _verb: Verb, _body: Any) -> tuple[PodState, str | None]:
        return PodState.RUNNING, None


def address_of(prefix: str, index: int) -> str:
    return f"{prefix}.{index // 250}.{index % 250 + 1}"


async def serve(first_index: int, count: int, prefix: str) -> None:
    """Serve until standard input ends; a line on standard output says when all can be asked."""
    digests = command_digests(KEY, UID, RUN_ID)
    runners = []
    for index in range(first_index, first_index + count):
        runner = web.AppRunner(control_application(AnsweringPod(index), digests), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, address_of(prefix, index), CONTROL_PORT).start()
        runners.append(runner)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    # What is measured is who asks.
    os.nice(5)
    run(serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
