"""A pod that is bound to the node: its latest object, and what the node knows around it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from localcluster.node.api import Api, Object
from localcluster.node.delays import Delays
from localcluster.node.environment import Objects, Sources
from localcluster.node.faults import Fault, has_fault
from localcluster.node.fields import Addresses
from localcluster.node.images import Image
from localcluster.node.memory import MemoryLimits
from localcluster.node.silent_ports import SilentPorts


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What all pods of the node have in common."""

    api: Api
    session: aiohttp.ClientSession
    server_host: str
    server_port: int
    run_dir: Path
    host_ip: str
    log_port: int
    capacity: Mapping[str, str]
    images: Mapping[str, Image]
    back_off_seconds: float
    delays: Delays
    memory: MemoryLimits
    silent_ports: SilentPorts


def pod_path(pod: Mapping[str, Any]) -> str:
    """Return the pod's path at the API server."""
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"


@dataclass(slots=True)
class BoundPod:
    """A pod and its namespace, both as last heard of. The node keeps `services`, the cluster's by UID, current."""

    latest: Object
    namespace: Object | None
    pod_ip: str
    facts: NodeFacts
    services: Mapping[str, Object]

    @property
    def spec(self) -> Object:
        spec: Object = self.latest["spec"]
        return spec

    @property
    def metadata(self) -> Object:
        metadata: Object = self.latest["metadata"]
        return metadata

    @property
    def directory(self) -> Path:
        """The folder on the host with the pod's files, which goes with the pod."""
        return self.facts.run_dir / "pods" / str(self.metadata["uid"])

    @property
    def host_name(self) -> str:
        return str(self.spec.get("hostname") or self.metadata["name"])[:63]

    @property
    def fs_group(self) -> int | None:
        group: int | None = (self.spec.get("securityContext") or {}).get("fsGroup")
        return group

    @property
    def is_deleted(self) -> bool:
        """Whether its deletion was asked for at the API server."""
        return "deletionTimestamp" in self.metadata

    def has_fault(self, fault: Fault) -> bool:
        """Return whether a test asks for the fault in this pod."""
        return has_fault(fault, self.latest, self.namespace)

    def sources(self, objects: Objects) -> Sources:
        """Return what the pod's environment and volumes are made from."""
        addresses = Addresses(pod_ip=self.pod_ip, host_ip=self.facts.host_ip)
        return Sources(self.latest, objects, addresses, self.facts.capacity)

    async def read_objects(self, secrets: set[str], config_maps: set[str]) -> Objects:
        """Read Secrets and ConfigMaps of the pod's namespace afresh; those that do not exist are left out."""
        namespace = self.metadata["namespace"]
        base, api = f"/api/v1/namespaces/{namespace}", self.facts.api
        secret_items = {name: await api.get_or_none(f"{base}/secrets/{name}") for name in secrets}
        map_items = {name: await api.get_or_none(f"{base}/configmaps/{name}") for name in config_maps}
        return Objects(
            namespace,
            {name: item for name, item in secret_items.items() if item is not None},
            {name: item for name, item in map_items.items() if item is not None},
        )
