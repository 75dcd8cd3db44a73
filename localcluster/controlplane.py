"""etcd, the API server and the controllers as processes of this machine."""

import asyncio
import base64
import json
import os
import secrets
import signal
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster.build import Programs
from localcluster.node import linux
from localcluster.ports import free_port
from localcluster.rest import Rest, RestError

_CONTROLLERS = (
    "job-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "ttl-after-finished-controller",
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "deployment-controller",
    "replicaset-controller",
)
_SERVICE_RANGE = "10.96.0.0/16"
_POLL_SECONDS = 0.05
# Go collects garbage when the heap has grown by so many percent. A cluster lives for minutes and holds little, so it
# has memory to spare: the API server's CPU for a write falls by a third.
_GARBAGE_PERCENT = "400"


class ControlPlaneError(Exception):
    """A component of the control plane ended or did not become ready; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the API server as its administrator."""

    server: str
    token: str
    ca_file: Path
    kubeconfig: Path


@dataclass(frozen=True, slots=True)
class Component:
    """One process of the cluster, such as etcd or the node."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    def describe_end(self) -> str:
        tail = self.log.read_bytes()[-3000:].decode(errors="replace").splitlines()[-15:]
        return f"{self.name} ended with {self.process.returncode}:\n" + "\n".join(tail)


def signing_key_pem() -> str:
    """Return a new P-256 private key as PEM (RFC 5915, without the public part, which follows from it)."""
    curve = bytes.fromhex("06082a8648ce3d030107")
    body = b"\x02\x01\x01" + b"\x04\x20" + secrets.token_bytes(32) + b"\xa0" + bytes([len(curve)]) + curve
    text = base64.b64encode(b"\x30" + bytes([len(body)]) + body).decode()
    return f"-----BEGIN EC PRIVATE KEY-----\n{text}\n-----END EC PRIVATE KEY-----\n"


def kubeconfig(access: Access) -> str:
    """Return a kubeconfig for kubectl and every client; JSON, which is YAML too."""
    ca = base64.b64encode(access.ca_file.read_bytes()).decode()
    cluster = {"server": access.server, "certificate-authority-data": ca}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "local",
            "clusters": [{"name": "local", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": access.token}}],
            "contexts": [{"name": "local", "context": {"cluster": "local", "user": "admin"}}],
        },
        indent=1,
    )


async def start_component(name: str, command: Sequence[str], log: Path, cwd: Path | None = None) -> Component:
    """Start a process that ends with this one, its output going to log."""
    starter = os.getpid()
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"GOGC": _GARBAGE_PERCENT, **os.environ},
            preexec_fn=lambda: linux.die_with_parent(signal.SIGKILL, starter),
        )
    return Component(name, process, log)


async def start_api_server(
    programs: Programs,
    run_dir: Path,
    components: list[Component],
    address: str = "127.0.0.1",
    *,
    service_range: str = _SERVICE_RANGE,
) -> Access:
    """Start etcd and the API server and return once the latter answers its administrator.

    It listens at the address and takes cluster IPs from service_range. The kubeconfig is written then. The started
    processes are added to components.
    """
    directory = run_dir / "controlplane"
    directory.mkdir(mode=0o700)
    etcd_port, peer_port, api_port = free_port(), free_port(), free_port()
    logs = run_dir / "logs"
    command = _etcd_command(programs.paths["etcd"], directory, etcd_port, peer_port)
    components.append(await start_component("etcd", command, logs / "etcd.log"))
    token = secrets.token_urlsafe(32)
    (directory / "tokens.csv").write_text(f'{token},admin,admin,"system:masters"\n', encoding="ascii")
    service_account_key(run_dir).write_text(signing_key_pem(), encoding="ascii")
    command = _api_server_command(programs.paths["kube-apiserver"], directory, etcd_port, (address, api_port))
    command.append(f"--service-cluster-ip-range={service_range}")
    components.append(await start_component("kube-apiserver", command, logs / "kube-apiserver.log"))
    # Its self-signed certificate comes with the authority that signed it.
    access = Access(
        f"https://{address}:{api_port}", token, directory / "certs" / "apiserver.crt", run_dir / "kubeconfig"
    )
    await wait_until(lambda: is_served(access, "/api/v1/nodes"), components, "the API server answers")
    access.kubeconfig.touch(mode=0o600)
    access.kubeconfig.write_text(kubeconfig(access), encoding="ascii")
    return access


async def start_controllers(programs: Programs, run_dir: Path, access: Access) -> Component:
    """Start the controllers; they are at work when they have made the default service account."""
    name = "kube-controller-manager"
    command = [str(programs.paths[name]), f"--kubeconfig={access.kubeconfig}", f"--root-ca-file={access.ca_file}"]
    if name not in programs.own_builds:
        command += [f"--controllers={','.join(_CONTROLLERS)}", "--leader-elect=false", "--secure-port=0"]
    return await start_component(name, command, run_dir / "logs" / f"{name}.log")


def service_account_key(run_dir: Path) -> Path:
    """Return the file with the key that signs the tokens of service accounts."""
    return run_dir / "controlplane" / "service-accounts.key"


def administrator_client(access: Access) -> Rest:
    """Return requests to the API server as its administrator."""
    return Rest(access.server, access.token, ssl.create_default_context(cafile=str(access.ca_file)))


def is_served(access: Access, path: str) -> bool:
    """Return whether the API server answers the path with success."""
    try:
        administrator_client(access).call("GET", path)
    except (RestError, OSError):
        return False
    return True


async def wait_until(
    condition: Callable[[], bool], components: Sequence[Component], goal: str, seconds: float = 90.0
) -> None:
    """Return once condition() is true; raise ControlPlaneError if a component ends before, or the time is over."""
    try:
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(condition):
                for component in components:
                    if component.process.returncode is not None:
                        raise ControlPlaneError(component.describe_end())
                await asyncio.sleep(_POLL_SECONDS)
    except TimeoutError as error:
        raise ControlPlaneError(f"waited {seconds:g} s in vain until {goal}") from error


def _etcd_command(program: Path, directory: Path, port: int, peer_port: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        str(program),
        "--name=default",
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server_command(program: Path, directory: Path, etcd_port: int, address: tuple[str, int]) -> list[str]:
    key = service_account_key(directory.parent)
    return [
        str(program),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        f"--bind-address={address[0]}",
        f"--secure-port={address[1]}",
        f"--advertise-address={address[0]}",
        # Loopback addresses are refused as endpoints.
        *(["--endpoint-reconciler-type=none"] if address[0].startswith("127.") else []),
        f"--cert-dir={directory / 'certs'}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={directory / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--profiling=false",
        # A node's name leads nowhere.
        "--kubelet-preferred-address-types=InternalIP",
    ]
