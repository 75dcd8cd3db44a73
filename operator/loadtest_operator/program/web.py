"""The operator's HTTP port: `/metrics` for Prometheus, `/healthz` and `/readyz` for the kubelet."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from loadtest_operator.program.health import OperatorHealth


@asynccontextmanager
async def serve(host: str, port: int, registry: CollectorRegistry, health: OperatorHealth) -> AsyncIterator[None]:
    """Serve while the context is open, at every address of both families where `host` is empty.

    A probe that fails is answered 503 with the reason.
    """

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    app = web.Application()
    app.add_routes(
        [
            web.get("/metrics", metrics),
            web.get("/healthz", _probe(health.pulse.failure)),
            web.get("/readyz", _probe(health.readiness.obstacle)),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host or None, port).start()
        yield
    finally:
        await runner.cleanup()


def _probe(reason: Callable[[], str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(_request: web.Request) -> web.Response:
        failure = reason()
        return web.Response(text=failure or "ok", status=503 if failure else 200)

    return answer
