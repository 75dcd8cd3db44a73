"""The node's process: `python -m localcluster.node CONFIG`, where CONFIG is a JSON file of NodeConfig's fields."""

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from localcluster.node import control, linux
from localcluster.node.api import Api
from localcluster.node.bound_pod import NodeFacts
from localcluster.node.delays import Delays
from localcluster.node.images import Image
from localcluster.node.log_server import serve_logs
from localcluster.node.memory import MemoryLimits
from localcluster.node.network import LoopbackNetwork
from localcluster.node.node import Node
from localcluster.node.silent_ports import SilentPorts


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """The settings that the node is started with. token is one that may do everything."""

    server: str
    token: str
    ca_file: str
    run_dir: str
    node_name: str
    second_octet: int
    images: dict[str, dict[str, Any]]
    back_off_seconds: float
    delays: dict[str, float]


def _capacity() -> dict[str, str]:
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": str(os.cpu_count() or 1), "memory": str(memory_bytes), "pods": "250"}


class _Switch:
    """Lets a test take the node away and bring it back."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._on = asyncio.Event()
        self._off = asyncio.Event()
        self._on.set()

    async def run(self) -> None:
        while True:
            await self._on.wait()
            async with asyncio.TaskGroup() as group:
                run_task = group.create_task(self._node.run())
                leave_task = group.create_task(self._off.wait())
                await asyncio.wait({run_task, leave_task}, return_when=asyncio.FIRST_COMPLETED)
                run_task.cancel()
                leave_task.cancel()
            self._off.clear()

    async def handle(self, request: control.ControlRequest) -> control.ControlAnswer:
        match request["verb"]:
            case "leave":
                self._on.clear()
                self._off.set()
            case "return":
                self._on.set()
            case "kill" | "processes" as verb:
                pod = self._node.find_pod(request["namespace"], request["pod"])
                if pod is None:
                    return {"error": f"no pod {request['namespace']}/{request['pod']} runs on the node"}
                if verb == "processes":
                    return {"processes": pod.processes()}
                pod.kill(request.get("container"))
            case verb:
                return {"error": f"unknown verb {verb!r}"}
        return {}


async def _run(config: NodeConfig) -> None:
    server = urlsplit(config.server)
    network, delays = LoopbackNetwork(config.second_octet), Delays(**config.delays)
    # Every pod is another address, and so many streams stay open: there is nothing to ration.
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=30)

    def is_running(namespace: str, pod_name: str, container: str) -> bool:
        pod = node.find_pod(namespace, pod_name)
        return pod is not None and container in pod.processes()

    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        # The API server does not look at the node's certificate, so its own serves for both.
        serve_logs(network.host_ip, Path(config.ca_file), Path(config.run_dir), is_running) as log_port,
    ):
        facts = NodeFacts(
            api=Api(session, config.server, config.token, config.ca_file),
            session=session,
            server_host=server.hostname or "127.0.0.1",
            server_port=server.port or 443,
            run_dir=Path(config.run_dir),
            host_ip=network.host_ip,
            log_port=log_port,
            capacity=_capacity(),
            images={name: Image.from_json(fields) for name, fields in config.images.items()},
            back_off_seconds=config.back_off_seconds,
            delays=delays,
            memory=MemoryLimits(Path(config.run_dir).name),
            silent_ports=SilentPorts(delays.address),
        )
        node = Node(config.node_name, network, facts)
        switch = _Switch(node)
        async with asyncio.TaskGroup() as group:
            group.create_task(control.serve(Path(config.run_dir) / "node.sock", switch.handle))
            group.create_task(switch.run())


def main(config_file: str, parent_pid: int) -> None:
    linux.die_with_parent(signal.SIGKILL, parent_pid)
    # Connections through Services take two each; containers elsewhere may open as many.
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    config = NodeConfig(**json.loads(Path(config_file).read_bytes()))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(config))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
