"""Startup, readiness and liveness probes of one container."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

Execute = Callable[[list[str]], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Prober:
    """How to reach a container: its pod's address, its named ports, and commands run beside it."""

    session: aiohttp.ClientSession
    pod_ip: str
    ports: Mapping[str, int]
    execute: Execute

    async def succeeds(self, probe: Mapping[str, Any]) -> bool:
        """Return whether one attempt of the probe succeeds within its timeout."""
        try:
            async with asyncio.timeout(float(probe.get("timeoutSeconds", 1))):
                return await self._attempt(probe)
        except (TimeoutError, OSError, aiohttp.ClientError):
            return False

    async def _attempt(self, probe: Mapping[str, Any]) -> bool:
        if "httpGet" in probe:
            return await self._http(probe["httpGet"])
        if "tcpSocket" in probe:
            address = probe["tcpSocket"]
            _, writer = await asyncio.open_connection(address.get("host", self.pod_ip), self._port(address["port"]))
            writer.close()
            return True
        if "exec" in probe:
            return await self.execute(list(probe["exec"]["command"])) == 0
        return False

    async def _http(self, request: Mapping[str, Any]) -> bool:
        scheme = request.get("scheme", "HTTP").lower()
        host = request.get("host") or self.pod_ip
        url = f"{scheme}://{host}:{self._port(request['port'])}{request.get('path', '/')}"
        headers = {item["name"]: item["value"] for item in request.get("httpHeaders", [])}
        async with self.session.get(url, headers=headers, allow_redirects=False, ssl=False) as response:
            return 200 <= response.status < 400

    def _port(self, port: int | str) -> int:
        return port if isinstance(port, int) else self.ports[port]


async def wait_until_started(prober: Prober, probe: Mapping[str, Any] | None) -> bool:
    """Return True when the probe first succeeds, False when it has failed too often; no probe succeeds."""
    if probe is None:
        return True
    await asyncio.sleep(probe.get("initialDelaySeconds", 0))
    for _ in range(probe.get("failureThreshold", 3)):
        if await prober.succeeds(probe):
            return True
        await asyncio.sleep(probe.get("periodSeconds", 10))
    return False


async def wait_until_unhealthy(prober: Prober, probe: Mapping[str, Any]) -> None:
    """Return when the probe has failed failureThreshold times in a row."""
    await asyncio.sleep(probe.get("initialDelaySeconds", 0))
    failures = 0
    while True:
        failures = 0 if await prober.succeeds(probe) else failures + 1
        if failures >= probe.get("failureThreshold", 3):
            return
        await asyncio.sleep(probe.get("periodSeconds", 10))


async def follow_readiness(prober: Prober, probe: Mapping[str, Any], report: Callable[[bool], None]) -> None:
    """Tell report of each change of readiness, from not ready on, until cancelled."""
    await asyncio.sleep(probe.get("initialDelaySeconds", 0))
    ready, streak = False, 0
    while True:
        succeeded = await prober.succeeds(probe)
        streak = streak + 1 if succeeded != ready else 0
        threshold = probe.get("successThreshold", 1) if succeeded else probe.get("failureThreshold", 3)
        if streak >= threshold:
            ready, streak = succeeded, 0
            report(ready)
        await asyncio.sleep(probe.get("periodSeconds", 10))
