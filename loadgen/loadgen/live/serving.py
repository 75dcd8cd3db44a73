"""The process of a local run's page: it reads its standard input, where the generator writes, and serves 127.0.0.1."""

import asyncio
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from typing import BinaryIO, Final

import msgspec
from aiohttp import web

from loadgen.live.messages import LENGTH_BYTES, Ending, Look, Opening, Serving, unpacked
from loadgen.live.run_so_far import RunSoFar
from loadtest_live.page import LivePage
from loadtest_live.site import LiveSite
from loadtest_model.pages.live.view import LiveView

ADDRESS: Final = "127.0.0.1"
PAUSE_SECONDS: Final = 1.0
LAST_WORD_SECONDS: Final = 3.0
"""How long the end of the run is waited for with everybody who looks."""
_NICENESS: Final = 10


def main() -> None:
    """Serve until the generator closes its end."""
    # Ctrl-C is for the generator, which closes its end when it has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        # The load comes before its page.
        os.nice(_NICENESS)
    asyncio.run(_serve(sys.stdin.buffer, sys.stdout.buffer))


async def _serve(source: BinaryIO, answers: BinaryIO) -> None:
    opening = _read(source)
    if not isinstance(opening, Opening):
        return
    run = RunSoFar(opening)

    async def render() -> LiveView:
        return run.view()

    async def find(_request: web.Request) -> LivePage:
        return page

    page = LivePage(render, PAUSE_SECONDS, time.monotonic, uuid.uuid4().hex[:8])
    site = LiveSite()
    site.add_page("/", find)
    runner = web.AppRunner(site.application, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        serving = await _listen(runner, opening)
        answers.write(msgspec.json.encode(serving) + b"\n")
        answers.flush()
        if not serving.problem:
            await _follow(source, run, page, site)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, opening: Opening) -> Serving:
    problem = ""
    for port in (opening.port, 0) if opening.may_move else (opening.port,):
        try:
            await web.TCPSite(runner, ADDRESS, port).start()
        except OSError as error:
            problem = f"{ADDRESS}:{port} cannot be listened on: {error.strerror or error}"
        else:
            return Serving(port=runner.addresses[-1][1])
    return Serving(problem=problem)


async def _follow(source: BinaryIO, run: RunSoFar, page: LivePage, site: LiveSite) -> None:
    """Take in what the generator tells, to its end; and let everybody who looks see the end."""
    messages: asyncio.Queue[Look | Ending | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    # A thread, because not every platform can wait for a pipe in its event loop.
    threading.Thread(
        target=_read_all,
        args=(source, lambda message: loop.call_soon_threadsafe(messages.put_nowait, message)),
        daemon=True,
    ).start()
    while (message := await messages.get()) is not None:
        run.take(message)
        if isinstance(message, Ending):
            await page.refresh()
    await site.wait_for_streams(LAST_WORD_SECONDS)


def _read_all(source: BinaryIO, give: Callable[[Look | Ending | None], object]) -> None:
    while isinstance(message := _read(source), Look | Ending):
        give(message)
    give(None)


def _read(source: BinaryIO) -> Opening | Look | Ending | None:
    """The next message; None at the end."""
    length = source.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    content = source.read(int.from_bytes(length, "big"))
    return unpacked(content)
