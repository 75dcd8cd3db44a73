"""The part of a kubelet that `kubectl logs` needs: the API server asks the node for what a container wrote.

The API server has no certificate that would tell the node who asks, so the node looks at who owns the connection:
only processes of the user who started the cluster get an answer.
"""

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from localcluster.node.logs import ContainerLog

_POLL_SECONDS = 0.2
_TIME_OPTIONS = {"timestamps": "--timestamps", "sinceSeconds": "--since", "sinceTime": "--since-time"}

IsRunning = Callable[[str, str, str], bool]
"""Whether a container runs, by namespace, pod and name."""


@asynccontextmanager
async def serve_logs(address: str, certificate: Path, run_dir: Path, is_running: IsRunning) -> AsyncIterator[int]:
    """Answer the API server at a free port of the address, which is yielded. The key lies beside the certificate."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    listener = socket.create_server((address, 0))
    app = web.Application(middlewares=[_refuse_other_users])
    server = _LogServer(run_dir, is_running)
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, listener, ssl_context=tls).start()
        yield listener.getsockname()[1]
    finally:
        await runner.cleanup()


class _LogServer:
    def __init__(self, run_dir: Path, is_running: IsRunning) -> None:
        self._run_dir = run_dir
        self._is_running = is_running

    async def answer(self, request: web.Request) -> web.StreamResponse:
        names = request.match_info
        namespace, pod, container = names["namespace"], names["pod"], names["container"]
        for option in _TIME_OPTIONS.keys() & request.query.keys():
            if request.query[option] not in ("", "false"):
                raise web.HTTPBadRequest(
                    text=f"this node keeps no times of lines, so it cannot do {_TIME_OPTIONS[option]}"
                )
        log = ContainerLog.of(self._run_dir, namespace, pod, container)
        starts = log.run_starts()
        if not starts:
            raise web.HTTPBadRequest(text=f'container "{container}" in pod "{pod}" is waiting to start')
        if request.query.get("previous") == "true":
            if len(starts) == 1:
                raise web.HTTPBadRequest(text=f'previous terminated container "{container}" in pod "{pod}" not found')
            return web.Response(body=_excerpt(log.read(starts[-2], starts[-1]), request))
        content = log.read(starts[-1])
        if request.query.get("follow") != "true":
            return web.Response(body=_excerpt(content, request))
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(_excerpt(content, request))
        await self._follow(
            response, log, starts[-1] + len(content), lambda: self._is_running(namespace, pod, container)
        )
        return response

    async def _follow(
        self, response: web.StreamResponse, log: ContainerLog, position: int, is_running: Callable[[], bool]
    ) -> None:
        runs = len(log.run_starts())
        while True:
            # What is written between the look and the read would be missed the other way round.
            is_over = not is_running() or len(log.run_starts()) > runs
            if content := log.read(position):
                position += len(content)
                await response.write(content)
            elif is_over:
                return
            await asyncio.sleep(_POLL_SECONDS)


def _excerpt(content: bytes, request: web.Request) -> bytes:
    """The part that tailLines and limitBytes ask for."""
    if "tailLines" in request.query:
        lines = content.splitlines(keepends=True)
        content = b"".join(lines[max(0, len(lines) - int(request.query["tailLines"])) :])
    return content[: int(request.query["limitBytes"])] if "limitBytes" in request.query else content


@web.middleware
async def _refuse_other_users(request: web.Request, handler: Handler) -> web.StreamResponse:
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if peer is None or connection_owner(_connections(), peer) != os.geteuid():
        raise web.HTTPForbidden(text="only the user who started the cluster may ask")
    return await handler(request)


def _connections() -> str:
    return Path("/proc/net/tcp").read_text(encoding="ascii")


def connection_owner(connections: str, end: tuple[str, int]) -> int | None:
    """The user whose process has this end of an open connection, by /proc/net/tcp; None if no process has it."""
    address = f"{int.from_bytes(socket.inet_aton(end[0]), 'little'):08X}:{end[1]:04X}"
    match = re.search(rf"(?m)^ *\d+: {address} [0-9A-F:]+ 01 \S+ \S+ \S+ +(\d+)", connections)
    return int(match[1]) if match else None
