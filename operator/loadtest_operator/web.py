"""The operator's HTTP port: `/metrics` for Prometheus and `/healthz` for the kubelet."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder


@asynccontextmanager
async def serve(host: str, port: int, registry: CollectorRegistry, unhealthy: Callable[[], str]) -> AsyncIterator[None]:
    """Serve while the context is open, at every address of both families where `host` is empty.

    `unhealthy` gives the reason for a 503, empty while all is well.
    """

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    async def healthz(_request: web.Request) -> web.Response:
        reason = unhealthy()
        return web.Response(text=reason or "ok", status=503 if reason else 200)

    app = web.Application()
    app.add_routes([web.get("/metrics", metrics), web.get("/healthz", healthz)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host or None, port).start()
        yield
    finally:
        await runner.cleanup()
