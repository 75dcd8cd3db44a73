"""The node: takes pods that no node has, runs those it has, and resolves Service names for them."""

import asyncio
import os
import sys
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from localcluster.node.api import MERGE_PATCH, STRATEGIC_PATCH, ApiError, Cache, Object
from localcluster.node.bound_pod import NodeFacts, pod_path
from localcluster.node.faults import Fault, has_fault
from localcluster.node.forwarder import Forwarder
from localcluster.node.names import service_lines
from localcluster.node.network import LoopbackNetwork
from localcluster.node.pod import Pod, confirm_deletion
from localcluster.node.services import service_routes
from localcluster.node.status import FINAL_PHASES, timestamp
from localcluster.node.warnings import warn

_HEARTBEAT_SECONDS = 10.0


def selector_matches(pod: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Return whether the pod's nodeSelector lets it onto a node with these labels."""
    selector = pod["spec"].get("nodeSelector", {})
    return all(labels.get(key) == value for key, value in selector.items())


def waits_for_a_node(pod: Mapping[str, Any]) -> bool:
    """Return whether the pod is one to be scheduled."""
    spec = pod["spec"]
    return not (spec.get("nodeName") or spec.get("schedulingGates") or "deletionTimestamp" in pod["metadata"])


class Node:
    """One node named name. run() is its life; a second run() is the node come back without its processes."""

    def __init__(self, name: str, network: LoopbackNetwork, facts: NodeFacts) -> None:
        self._name = name
        self._network = network
        self._facts = facts
        self._labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}
        self._services: dict[str, Object] = {}
        self._next_address = 0
        self._running: dict[str, Pod] = {}
        self._wake = asyncio.Event()
        self._releasing: set[str] = set()
        self._scheduling: set[str] = set()

    async def run(self) -> None:
        """Register the node, then run pods until cancelled, which ends them all at once."""
        self._running.clear()
        self._releasing.clear()
        self._scheduling.clear()
        self._services.clear()
        await self._register()
        forwarder = Forwarder(self._facts.delays.services)
        pods = Cache("/api/v1/pods", self._on_pod)
        namespaces = Cache("/api/v1/namespaces", lambda _item, _exists: self._wake.set())
        services = Cache("/api/v1/services", lambda _item, _exists: self._wake.set(), self._services)
        sources = [
            Cache("/api/v1/secrets", self._on_source),
            Cache("/api/v1/configmaps", self._on_source),
        ]
        async with asyncio.TaskGroup() as group:
            for cache in (namespaces, services, pods, *sources):
                group.create_task(cache.follow(self._facts.api))
            group.create_task(self._send_heartbeats())
            group.create_task(forwarder.run())
            for cache in (namespaces, services, pods):
                await cache.synced.wait()
            while True:
                self._wake.clear()
                namespaces_by_name = {item["metadata"]["name"]: item for item in namespaces.objects.values()}
                await self._start_pods(pods.objects, namespaces_by_name, group)
                visible = [
                    pod for pod in pods.objects.values() if pod.get("status", {}).get("phase") not in FINAL_PHASES
                ]
                self._resolve(visible)
                forwarder.set_routes(service_routes(self._services.values(), visible))
                await self._wake.wait()

    def find_pod(self, namespace: str, name: str) -> Pod | None:
        """Return the running pod of that name."""
        for pod in self._running.values():
            metadata = pod.bound.metadata
            if (metadata["namespace"], metadata["name"]) == (namespace, name):
                return pod
        return None

    def _on_pod(self, pod: Object, exists: bool) -> None:
        running_pod = self._running.get(pod["metadata"]["uid"])
        if running_pod is not None:
            if exists:
                running_pod.update(pod, running_pod.bound.namespace)
            else:
                running_pod.end_unreported()
        self._wake.set()

    def _on_source(self, item: Object, _exists: bool) -> None:
        for pod in self._running.values():
            if pod.bound.metadata["namespace"] == item["metadata"]["namespace"]:
                pod.refresh_volumes()

    async def _start_pods(
        self, pods: Mapping[str, Object], namespaces: Mapping[str, Object], group: asyncio.TaskGroup
    ) -> None:
        for uid, pod in list(pods.items()):
            namespace = namespaces.get(pod["metadata"]["namespace"])
            if uid in self._running:
                self._running[uid].bound.namespace = namespace
            elif waits_for_a_node(pod):
                if uid not in self._scheduling:
                    self._scheduling.add(uid)
                    group.create_task(self._schedule(pod, namespace))
            elif pod["spec"].get("nodeName") == self._name:
                self._start(pod, namespace, group)

    def _start(self, pod: Object, namespace: Object | None, group: asyncio.TaskGroup) -> None:
        uid = pod["metadata"]["uid"]
        if "deletionTimestamp" in pod["metadata"]:
            if uid not in self._releasing:
                self._releasing.add(uid)
                group.create_task(self._release(pod))
            return
        if pod.get("status", {}).get("phase") in FINAL_PHASES:
            return
        pod_ip = pod.get("status", {}).get("podIP") or self._network.pod_ip(self._next_address)
        self._next_address += 1
        running_pod = Pod(pod, namespace, pod_ip, self._facts, self._services)
        if pod.get("status", {}).get("containerStatuses"):
            running_pod.mark_lost()
        running_pod.update(pod, namespace)
        self._running[uid] = running_pod
        group.create_task(self._run_pod(uid, running_pod))

    async def _run_pod(self, uid: str, pod: Pod) -> None:
        async with _log_failures(f"running the pod {uid}"):
            await pod.run()
        self._running.pop(uid, None)

    async def _schedule(self, pod: Object, namespace: Object | None) -> None:
        async with _log_failures(f"scheduling the pod {pod['metadata']['uid']}"):
            await self._bind_or_refuse(pod, namespace)
        self._scheduling.discard(pod["metadata"]["uid"])

    async def _release(self, pod: Object) -> None:
        async with _log_failures(f"releasing the pod {pod['metadata']['uid']}"):
            await confirm_deletion(self._facts.api, pod)

    async def _bind_or_refuse(self, pod: Object, namespace: Object | None) -> None:
        if has_fault(Fault.UNSCHEDULED, pod, namespace):
            await self._refuse(pod, "0/1 nodes are available: 1 held back by a fault of the test.")
        elif not selector_matches(pod, self._labels):
            reason = "1 node(s) didn't match Pod's node affinity/selector."
            await self._refuse(pod, f"0/1 nodes are available: {reason}")
        else:
            await self._bind(pod)

    async def _bind(self, pod: Object) -> None:
        metadata = {"name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        target = {"apiVersion": "v1", "kind": "Node", "name": self._name}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        await self._call_ignoring_conflicts("POST", pod_path(pod) + "/binding", body)

    async def _refuse(self, pod: Object, message: str) -> None:
        conditions = pod.get("status", {}).get("conditions", [])
        if any(item["type"] == "PodScheduled" and item.get("message") == message for item in conditions):
            return
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "lastTransitionTime": timestamp(datetime.now(UTC)),
        }
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": {"conditions": [condition]}}
        await warn(self._facts.api, pod, "FailedScheduling", message, "default-scheduler")
        await self._call_ignoring_conflicts("PATCH", pod_path(pod) + "/status", body, STRATEGIC_PATCH)

    async def _call_ignoring_conflicts(
        self, method: str, path: str, body: Object, content_type: str = "application/json"
    ) -> None:
        """Send a request about a pod that may have been deleted, or bound, meanwhile."""
        try:
            await self._facts.api.call(method, path, body, content_type=content_type)
        except ApiError as error:
            if error.status not in {404, 409}:
                raise

    def _resolve(self, pods: list[Object]) -> None:
        lines: dict[str, list[str]] = {}
        for running_pod in self._running.values():
            namespace = running_pod.bound.metadata["namespace"]
            if namespace not in lines:
                lines[namespace] = service_lines(self._services.values(), pods, namespace)
            running_pod.set_service_lines(lines[namespace])

    async def _register(self) -> None:
        metadata = {"name": self._name, "labels": self._labels}
        body = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
        try:
            await self._facts.api.call("POST", "/api/v1/nodes", body)
        except ApiError as error:
            if error.status != 409:
                raise
        await self._report()
        # Admission taints a new node as not ready, and no controller is there to take that back.
        await self._facts.api.call(
            "PATCH", f"/api/v1/nodes/{self._name}", {"spec": {"taints": None}}, content_type=MERGE_PATCH
        )

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(_HEARTBEAT_SECONDS)
            async with _log_failures("reporting the node"):
                await self._report()

    async def _report(self) -> None:
        now = timestamp(datetime.now(UTC))
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "pods run as processes",
            "lastHeartbeatTime": now,
        }
        system = os.uname()
        info = {
            "kubeletVersion": "v1.37.2-localcluster",
            "kernelVersion": system.release,
            "operatingSystem": "linux",
            "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(system.machine, system.machine),
            "osImage": "the host's",
            "containerRuntimeVersion": f"python://{sys.version_info.major}.{sys.version_info.minor}",
        }
        status = {
            "capacity": self._facts.capacity,
            "allocatable": self._facts.capacity,
            "conditions": [ready],
            "addresses": [
                {"type": "Hostname", "address": self._name},
                {"type": "InternalIP", "address": self._facts.host_ip},
            ],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self._facts.log_port}},
            "nodeInfo": info,
        }
        await self._facts.api.call(
            "PATCH", f"/api/v1/nodes/{self._name}/status", {"status": status}, content_type=STRATEGIC_PATCH
        )


@asynccontextmanager
async def _log_failures(activity: str) -> AsyncIterator[None]:
    """Keep a failure to what it befell, as a kubelet does: it is told in the node's log, and other pods go on."""
    try:
        yield
    except Exception:
        print(f"failed {activity}:", file=sys.stderr)
        traceback.print_exc()
