"""What stands behind a Service is followed by a watch, whatever becomes of the watch."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from kubernetes.aio import config
from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import PODS, Api
from loadtest_operator.facts.endpoints import Endpoints, ServiceHost
from loadtest_operator.observe.followers import Follower, Followers, RunKey, Sight
from localcluster.rest import Json
from support.loadtests import Namespace

SECONDS = 20.0


@dataclass
class Way:
    """A way to the API server that can be cut: connections end, and none is taken until it is mended."""

    host: str
    port: int
    is_cut: bool = False
    carried: set[asyncio.Task[None]] = field(default_factory=set)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.carried.add(task)
        try:
            if not self.is_cut:
                there, back = await asyncio.open_connection(self.host, self.port)
                try:
                    await asyncio.gather(_copy(reader, back), _copy(there, writer))
                finally:
                    back.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self.carried.discard(task)
            writer.transport.abort()

    def cut(self) -> None:
        self.is_cut = True
        for task in list(self.carried):
            task.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


async def configuration_of(namespace: Namespace) -> Configuration:
    made = Configuration()
    await config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=str(namespace.cluster.kubeconfig), client_configuration=made
    )
    return made


@asynccontextmanager
async def an_api(namespace: Namespace) -> AsyncIterator[tuple[Api, Way]]:
    made = await configuration_of(namespace)
    there = urlsplit(made.host)
    assert there.hostname is not None
    assert there.port is not None
    way = Way(there.hostname, there.port)
    server = await asyncio.start_server(way.carry, "127.0.0.1", 0)
    # The certificate names where the server is, not the way to it.
    made.tls_server_name = there.hostname
    made.host = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        async with Api(made, timeout_seconds=5.0) as api:
            yield api, way
    finally:
        way.cut()
        server.close()


@asynccontextmanager
async def following(
    namespace: Namespace, api: Api, service: str, port: int = 80
) -> AsyncIterator[tuple[Follower, list[Sight]]]:
    told: list[Sight] = []

    async def hear(sight: Sight) -> None:
        told.append(sight)

    follower = Follower(api, ServiceHost(namespace.name, service, port, is_certain=True), time.monotonic, lambda: 0.0)
    running = asyncio.create_task(follower.run(hear))
    try:
        yield follower, told
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110 - asks a plain value
            await asyncio.sleep(0.01)


async def apply(namespace: Namespace, *documents: Json) -> None:
    for document in documents:
        await asyncio.to_thread(namespace.rest.apply, document, namespace.name)


def a_service(name: str, **spec: object) -> Json:
    ports = [{"name": "http", "port": 80, "targetPort": 8000}]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": ports, **spec}}


def a_slice(service: str, **endpoints: str) -> Json:
    """A slice of a Service without a selector; each endpoint is the last byte of an address, and what it is."""
    conditions = {
        "ready": {"ready": True, "serving": True, "terminating": False},
        "unready": {"ready": False, "serving": False, "terminating": False},
        "draining": {"ready": False, "serving": True, "terminating": True},
        "ending": {"ready": False, "serving": False, "terminating": True},
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-1", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8000, "protocol": "TCP"}],
        "endpoints": [
            {"addresses": [f"10.9.8.{name.strip('_')}"], "conditions": conditions[stage]}
            for name, stage in endpoints.items()
        ],
    }


async def test_each_stage_of_an_endpoint_is_told_as_it_comes(namespace: Namespace) -> None:
    await apply(namespace, a_service("staged"), a_slice("staged", _1="ready", _2="ready"))
    async with an_api(namespace) as (api, _), following(namespace, api, "staged") as (_, told):
        await until(lambda: told)
        await apply(namespace, a_slice("staged", _1="draining", _2="ready", _3="unready"))
        await until(lambda: len(told) == 2)
        await apply(namespace, a_slice("staged", _1="ending", _2="ready", _3="ready"))
        await until(lambda: len(told) == 3)

    assert [sight.endpoints for sight in told] == [
        Endpoints(("10.9.8.1:8000", "10.9.8.2:8000")),
        Endpoints(("10.9.8.2:8000",), unready_addresses=("10.9.8.3:8000",), draining_addresses=("10.9.8.1:8000",)),
        Endpoints(("10.9.8.2:8000", "10.9.8.3:8000")),
    ]
    assert told[0].known_at < told[1].known_at < told[2].known_at


async def test_a_service_that_comes_and_goes_is_told(namespace: Namespace) -> None:
    async with an_api(namespace) as (api, _), following(namespace, api, "passing") as (_, told):
        await until(lambda: told)
        await apply(namespace, a_service("passing"), a_slice("passing", _1="ready"))
        await until(lambda: told[-1].endpoints.addresses)
        await asyncio.to_thread(namespace.rest.delete, f"/api/v1/namespaces/{namespace.name}/services/passing")
        await until(lambda: told[-1].endpoints.problem)

    assert told[0].endpoints.problem == told[-1].endpoints.problem == "ServiceNotFound"


async def test_what_happens_while_the_api_server_is_away_is_known_when_it_is_back(namespace: Namespace) -> None:
    await apply(namespace, a_service("cut"), a_slice("cut", _1="ready", _2="ready"))
    async with an_api(namespace) as (api, way), following(namespace, api, "cut") as (follower, told):
        await until(lambda: told)
        way.cut()
        await until(lambda: follower.sight is None)
        await apply(namespace, a_slice("cut", _2="ready"))
        way.is_cut = False
        await until(lambda: follower.sight is not None)
        # It goes on from there by a watch.
        await until(lambda: told[-1].endpoints == Endpoints(("10.9.8.2:8000",)))
        await apply(namespace, a_slice("cut", _3="ready"))
        await until(lambda: told[-1].endpoints == Endpoints(("10.9.8.3:8000",)))


async def test_connections_that_end_without_news_change_nothing(namespace: Namespace) -> None:
    await apply(namespace, a_service("quiet"), a_slice("quiet", _1="ready"))
    async with an_api(namespace) as (api, way), following(namespace, api, "quiet") as (follower, told):
        await until(lambda: told)
        # A watch that was only about to begin meets the cut as well.
        way.cut()
        await until(lambda: follower.sight is None)
        way.is_cut = False
        await until(lambda: follower.sight is not None)

        assert follower.sight == told[0]
        assert len(told) == 1


async def test_a_watch_ends_when_its_time_is_over(namespace: Namespace) -> None:
    async with an_api(namespace) as (api, _):
        _, version = await api.list_with_version(PODS, namespace.name)
        began = time.monotonic()

        assert [change async for change in api.watch(PODS, namespace.name, version, 1)] == []

    assert 0.9 < time.monotonic() - began < SECONDS


async def test_what_is_followed_no_more_holds_no_connection(namespace: Namespace) -> None:
    await apply(namespace, a_service("over"), a_slice("over", _1="ready"))
    run, host = RunKey(namespace.name, "t", "u", "1"), ServiceHost(namespace.name, "over", 80, is_certain=True)
    async with an_api(namespace) as (api, way), Followers(api, time.monotonic, lambda: 0.0) as followers:
        followers.follow(run, host)
        await until(lambda: followers.follow(run, host) is not None)
        # Two watches; requests that are over share a further connection that is kept.
        await until(lambda: len(way.carried) >= 2)

        followers.stop("u")

        await until(lambda: len(way.carried) <= 1)
        assert followers.latest_sight("u", "1") is None


async def test_a_pod_that_is_evicted_is_told_with_its_reason(namespace: Namespace) -> None:
    await asyncio.to_thread(namespace.deploy)
    await asyncio.to_thread(namespace.scale, "clients", 1)
    (pod,) = await asyncio.to_thread(namespace.pods)
    address = f"{pod['status']['podIP']}:8000"
    async with an_api(namespace) as (api, _), following(namespace, api, "clients", 8000) as (_, told):
        await until(lambda: told and told[-1].endpoints.addresses == (address,))
        await asyncio.to_thread(namespace.evict, pod)
        await until(lambda: told[-1].evictions and address not in told[-1].endpoints.addresses)

    (eviction,) = told[-1].evictions
    assert (eviction.pod, eviction.reason) == (pod["metadata"]["name"], "EvictionByEvictionAPI")
