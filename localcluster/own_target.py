"""A service of this machine as the target: `make cluster TARGET=http://127.0.0.1:8000/upload/`.

Pods of the process node share the machine's network, so they reach the service at the address that the user knows.
The installation allows this one host beside the cluster's Services; everything else stays as it is anywhere.
"""

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from localcluster.choice import ClusterKind
from localcluster.supervisor_process import ClusterError

_CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class OwnTarget:
    """The URL of an upload view that this machine serves."""

    url: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str, kind: ClusterKind) -> "OwnTarget":
        """Read a URL; raise ClusterError if pods of this kind of cluster cannot load it."""
        if kind is not ClusterKind.LOCAL:
            raise ClusterError(
                f"TARGET needs CLUSTER=local: with CLUSTER={kind}, pods have a network of their own, in which"
                " 127.0.0.1 is not this machine"
            )
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise ClusterError(f"TARGET={url} is no URL: {error}") from None
        if parts.scheme not in ("http", "https") or not host:
            raise ClusterError(f"TARGET={url} is no URL of a view; write one such as http://127.0.0.1:8000/upload/")
        if host != "localhost" and not _is_loopback(host):
            raise ClusterError(
                f"TARGET={url} is not on this machine. A local cluster loads only services at 127.0.0.1 or localhost;"
                " for others install the operator into a cluster of yours, and allow the host there (policy.targets)"
            )
        return cls(url, host, port or (443 if parts.scheme == "https" else 80))

    def is_listening(self) -> bool:
        """Whether something takes connections there now."""
        try:
            socket.create_connection((self.host, self.port), _CONNECT_SECONDS).close()
        except OSError:
            return False
        return True

    def write_manifest(self, folder: Path) -> Path:
        """Write a LoadTest of the scenario light, shortened, for this target; return its file."""
        file = folder / "loadtest.yaml"
        document = {
            "apiVersion": "x-load-test.dev/v1alpha1",
            "kind": "LoadTest",
            "metadata": {"name": "own"},
            "spec": {"target": {"url": self.url}, "scenario": "light", "load": {"duration": "30s"}},
        }
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        return file


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
