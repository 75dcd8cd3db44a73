"""How each client of the benchmark is started."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from bench.rig.rows import BOUNDARY
from peers import SILENT, artillery, k6, locust_python, vegeta, wrk

VIRTUAL_USERS: Final = 10
CLIENTS: Final = Path(__file__).parents[1] / "clients"
_REPOSITORY: Final = Path(__file__).parents[2]
_OWN_PACKAGES: Final = os.pathsep.join(str(_REPOSITORY / folder) for folder in ("model", "loadgen"))


@dataclass(frozen=True, slots=True)
class Client:
    """A command that uploads without end, on one core."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be uploaded: to where, how many rows a batch, and the files that peers make it from."""

    url: str
    rows: int
    request: Path
    body: Path
    pool: Path
    seconds: int


def raw_socket_client(work: Work, *fresh: str) -> Client:
    target = urlsplit(work.url)
    arguments = (str(target.hostname), str(target.port), str(work.request), "4", *fresh)
    name = "raw socket, a connection for each upload" if fresh else "raw socket, prepared bytes"
    return Client(name, (sys.executable, str(CLIENTS / "raw_socket.py"), *arguments))


def transport_client(work: Work) -> Client:
    command = (sys.executable, str(CLIENTS / "our_transport.py"))
    arguments = (work.url, str(work.body), str(work.rows), str(VIRTUAL_USERS))
    return Client("loadgen's HTTP client alone", (*command, *arguments), {"PYTHONPATH": _OWN_PACKAGES})


def barest_aiohttp_client(work: Work) -> Client:
    command = (sys.executable, str(CLIENTS / "barest_aiohttp.py"))
    arguments = (work.url, str(work.body), str(VIRTUAL_USERS))
    return Client("aiohttp at its barest, prepared bytes", (*command, *arguments), {"PYTHONPATH": _OWN_PACKAGES})


def loadgen_client(work: Work, file_format: str = "csv") -> Client:
    arguments = (work.url, file_format, str(work.rows), str(VIRTUAL_USERS), str(work.seconds))
    return Client("loadgen", (sys.executable, str(CLIENTS / "ours.py"), *arguments), {"PYTHONPATH": _OWN_PACKAGES})


def locust_client(work: Work, source: str, name: str = "Locust") -> Client:
    target = urlsplit(work.url)
    users = ("--users", str(VIRTUAL_USERS), "--spawn-rate", str(VIRTUAL_USERS))
    command = (str(locust_python()), "-m", "locust", "-f", str(CLIENTS / "locustfile.py"), "--headless")
    host = f"http://{target.hostname}:{target.port}"
    environment = {"ROWS": str(work.rows), "UPLOAD_PATH": target.path, "PYTHONPATH": _OWN_PACKAGES, **SILENT}
    return Client(name, (*command, *users, "--host", host), environment | _body_source(work, source))


def k6_client(work: Work, source: str) -> Client:
    environment = {"ROWS": str(work.rows), "URL": work.url, "VUS": str(VIRTUAL_USERS), "GOMAXPROCS": "1", **SILENT}
    return Client("k6", (str(k6()), "run", "--quiet", str(CLIENTS / "k6.js")), environment | _body_source(work, source))


def artillery_client(work: Work, source: str) -> Client:
    environment = {"ROWS": str(work.rows), "URL": work.url, **SILENT}
    command = (*artillery(), "run", "--quiet", str(CLIENTS / "artillery.yml"))
    return Client("Artillery", command, environment | _body_source(work, source))


def vegeta_client(work: Work) -> Client:
    """vegeta with one prepared body. It has no users, but at most as many uploads in flight."""
    targets = work.body.with_name("vegeta-targets")
    targets.write_text(vegeta_target(work.url, work.body))
    limits = (f"-workers={VIRTUAL_USERS}", f"-max-workers={VIRTUAL_USERS}", f"-connections={VIRTUAL_USERS}")
    command = (str(vegeta()), "attack", f"-targets={targets}", "-rate=0", f"-duration={work.seconds}s", *limits)
    return Client("vegeta", (*command, "-output=/dev/null"), {"GOMAXPROCS": "1"})


def wrk_client(work: Work) -> Client:
    """wrk with one prepared body; like vegeta it looks at the answers' statuses alone."""
    load = ("--threads=1", f"--connections={VIRTUAL_USERS}", f"--duration={work.seconds}s", "--timeout=120s")
    command = (str(wrk()), *load, f"--script={CLIENTS / 'wrk.lua'}", work.url)
    return Client("wrk", command, {"BODY": str(work.body)})


def vegeta_target(url: str, body: Path) -> str:
    """The upload of a prepared form, as vegeta reads it."""
    headers = f"X-Load-Test: true\nContent-Type: multipart/form-data; boundary={BOUNDARY}"
    return f"POST {url}\n{headers}\n@{body}\n"


def _body_source(work: Work, source: str) -> dict[str, str]:
    """Where a peer takes its body from: "body", "pool" or "composer"."""
    return {"BODY": str(work.body)} if source == "body" else {"POOL": str(work.pool)} if source == "pool" else {}


def cores() -> tuple[int, int]:
    """The core for the client and the one for the target. Raises RuntimeError where there are not two."""
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        raise RuntimeError("the benchmark needs two cores, one for the client and one for the target")
    return available[0], available[-1]
