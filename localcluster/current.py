"""A cluster that exists already: the one that kubectl is set to."""

import os
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import yaml

from localcluster.rest import Json, Rest
from localcluster.supervisor_process import ClusterError


@dataclass(frozen=True, slots=True)
class CurrentCluster:
    """The current context of a kubeconfig. Its pods are reached through its API server."""

    kubeconfig: Path
    server: str

    @classmethod
    def from_environment(cls) -> "CurrentCluster":
        """Return the cluster of $KUBECONFIG, or of ~/.kube/config; raise ClusterError if there is none."""
        path = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        try:
            rest = Rest.from_kubeconfig(path)
        except (OSError, KeyError, StopIteration, TypeError, yaml.YAMLError) as error:
            raise ClusterError(f"{path} names no cluster ({error}); set KUBECONFIG to one file that does") from error
        if not rest.is_authenticated:
            raise ClusterError(
                f"{path}: the user of the current context has neither a token nor a client certificate in it, and no"
                " other way to log in is known here; make a kubeconfig with the token of a service account"
            )
        return cls(path, rest.server)

    def logs(self, namespace: str, pod: str, container: str | None = None) -> str:
        """See Cluster.logs. Only the current and the previous run of a pod that still exists have logs."""
        return "".join(
            self._log(namespace, pod, {**({"container": container} if container else {}), "previous": previous})
            for previous in ("true", "false")
        )

    def ask(
        self, pod: Json, port: int, method: str, path: str, body: bytes = b"", content_type: str = "text/plain"
    ) -> tuple[int, bytes]:
        """See Cluster.ask."""
        metadata = pod["metadata"]
        proxy_path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}:{port}/proxy{path}"
        return self._rest().ask(method, proxy_path, body, content_type, host="localhost")

    def all_logs(self) -> dict[str, str]:
        """See Cluster.all_logs; of pods that exist."""
        pods = [pod["metadata"] for pod in self._rest().items("/api/v1/pods")]
        names = [(pod["namespace"], pod["name"]) for pod in pods]
        return {f"{namespace}_{name}": self.logs(namespace, name) for namespace, name in names}

    def pod_processes(self, namespace: str, pod: str) -> dict[str, int]:
        """Raise ClusterError: the processes of such a cluster are out of reach."""
        raise ClusterError(f"{namespace}/{pod}: the processes of a cluster elsewhere are out of reach")

    def kill(self, namespace: str, pod: str, container: str | None = None) -> None:
        """Raise ClusterError: the processes of such a cluster are out of reach."""
        target = f"{namespace}/{pod}" + (f", container {container}" if container else "")
        raise ClusterError(f"{target}: the processes of a cluster elsewhere are out of reach")

    def _log(self, namespace: str, pod: str, query: dict[str, str]) -> str:
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log?{urllib.parse.urlencode(query)}"
        status, text = self._rest().ask("GET", path)
        return text.decode(errors="replace") if status == 200 else ""

    def _rest(self) -> Rest:
        return Rest.from_kubeconfig(self.kubeconfig)
