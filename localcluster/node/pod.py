"""The life of one pod on the node: its volumes, its containers in order, its status at the API server, its end."""

import asyncio
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from localcluster.node.api import STRATEGIC_PATCH, Api, ApiError, Object
from localcluster.node.bound_pod import BoundPod, NodeFacts, pod_path
from localcluster.node.container import Container
from localcluster.node.pod_containers import PodContext, make_container
from localcluster.node.pod_volumes import PodVolumes
from localcluster.node.silent_ports import listening_ports
from localcluster.node.status import PodView, Terminated, pod_status

_NOTE_SECONDS = 2.0


class Pod:
    """Runs a pod that is bound to the node."""

    def __init__(
        self,
        pod: Object,
        namespace: Object | None,
        pod_ip: str,
        facts: NodeFacts,
        services: Mapping[str, Object],
    ) -> None:
        """services are the cluster's as last heard of, by UID, and kept current by the caller."""
        self.bound = BoundPod(pod, namespace, pod_ip, facts, services)
        self._facts = facts
        self._volumes = PodVolumes(self.bound)
        self._status_changed = asyncio.Event()
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()
        self._is_gone = False
        self._is_lost = False
        self._failure: tuple[str, str] | None = None
        self._is_ending = False
        self._is_over = False
        self._phase = ""
        self._ports: set[int] = set()
        self._start_time = datetime.now(UTC)
        self._conditions: list[dict[str, Any]] = []
        context = PodContext(self.bound, self._status_changed.set)
        init_specs, specs = pod["spec"].get("initContainers", []), pod["spec"]["containers"]
        self._init = [make_container(self.bound, spec, context, self._grace_seconds()) for spec in init_specs]
        self._main = [make_container(self.bound, spec, context, self._grace_seconds()) for spec in specs]
        self._sidecars = frozenset(spec["name"] for spec in init_specs if spec.get("restartPolicy") == "Always")

    # What the node tells the pod.

    def update(self, pod: Object, namespace: Object | None) -> None:
        """Take the pod's and its namespace's latest objects; a deletion begins the end."""
        has_new_fields = _changing_fields(pod) != _changing_fields(self.bound.latest)
        self.bound.latest, self.bound.namespace = pod, namespace
        self._changed.set()
        if has_new_fields:
            self._volumes.refresh()
        if self.bound.is_deleted:
            self._stop.set()

    def end_unreported(self) -> None:
        """End the pod at once and report nothing more, because it is gone from the API server."""
        self._is_gone = True
        self._stop.set()
        self._changed.set()
        self.kill(None)

    def refresh_volumes(self) -> None:
        """Look again, after a while, at what the pod's volumes are made from."""
        self._volumes.refresh_later()

    def set_service_lines(self, lines: list[str]) -> None:
        """Have the pod's hosts file resolve Services by these lines."""
        self._volumes.set_service_lines(lines)

    def kill(self, name: str | None) -> None:
        """SIGKILL the processes of the container of this name, None for all."""
        for container in (*self._init, *self._main):
            if name in {None, container.status.name}:
                container.kill()

    def processes(self) -> dict[str, int]:
        """Return the first process of each running container, by container name."""
        containers = (*self._init, *self._main)
        return {container.status.name: container.process.pid for container in containers if container.process}

    def mark_lost(self) -> None:
        """Note that the pod ran before on a node that went away: its containers' ends are unknown."""
        self._is_lost = True

    # Its life.

    async def run(self) -> None:
        """Run the pod to its end and report it; afterwards none of its processes lives."""
        self._volumes.make_directory()
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(self._publish()), group.create_task(self._volumes.keep_current())]
                stop_task = group.create_task(self._stop.wait())
                life_task = group.create_task(self._live())
                await asyncio.wait({stop_task, life_task}, return_when=asyncio.FIRST_COMPLETED)
                self._ports = self._open_ports()
                await self._end(life_task)
                for task in (stop_task, *helpers):
                    task.cancel()
            await self._end_later()
            await self._report_end()
        finally:
            await asyncio.to_thread(shutil.rmtree, self.bound.directory, True)

    def _grace_seconds(self) -> float:
        grace_of_deletion = self.bound.metadata.get("deletionGracePeriodSeconds")
        default = self.bound.spec.get("terminationGracePeriodSeconds", 30)
        return float(default if grace_of_deletion is None else grace_of_deletion)

    async def _live(self) -> None:
        self._status_changed.set()
        if self._is_lost and self.bound.spec.get("restartPolicy") == "Never":
            for container in self._main:
                container.mark_lost()
            return
        deadline = self.bound.spec.get("activeDeadlineSeconds")
        try:
            async with asyncio.timeout(deadline):
                if await self._volumes.write_all(self._stop, self._changed):
                    await self._run_containers()
        except TimeoutError:
            self._failure = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")

    async def _run_containers(self) -> None:
        async with asyncio.TaskGroup() as group:
            for container in self._init:
                run_task = group.create_task(container.run())
                if container.status.name in self._sidecars:
                    await container.has_started.wait()
                    continue
                await run_task
                state = container.status.state
                if not isinstance(state, Terminated) or state.exit_code != 0:
                    break
            else:
                async with asyncio.TaskGroup() as main_group:
                    for container in self._main:
                        main_group.create_task(container.run())
            await self._stop_all(self._init)

    async def _end(self, life_task: asyncio.Task[None]) -> None:
        """End every container, within the pod's grace where it is being deleted."""
        self._is_ending = self._stop.is_set() or self._failure is not None
        await self._stop_all(self._main)
        await self._stop_all(self._init)
        # It still has to note how its containers ended; what waits for something else is cut short.
        await asyncio.wait({life_task}, timeout=_NOTE_SECONDS)
        if not life_task.done():
            life_task.cancel()
            await asyncio.wait({life_task})

    async def _end_later(self) -> None:
        """Report that the containers have ended, and take a while over the pod's own end, as a kubelet does."""
        await self._report()
        self._facts.silent_ports.silence(self.bound.pod_ip, self._ports)
        if not self._is_gone:
            await asyncio.sleep(self._facts.delays.phase)
        self._is_over = True

    def _open_ports(self) -> set[int]:
        """Return the ports that clients of the pod may know: those declared, and those at which it listens."""
        specs = [*self.bound.spec.get("initContainers", ()), *self.bound.spec["containers"]]
        declared_ports = {int(port["containerPort"]) for spec in specs for port in spec.get("ports", ())}
        return declared_ports | listening_ports(self.bound.pod_ip)

    async def _stop_all(self, containers: list[Container]) -> None:
        grace_seconds = 0.0 if self._is_gone else self._grace_seconds()
        async with asyncio.TaskGroup() as group:
            for container in containers:
                group.create_task(container.stop(grace_seconds))

    # Its status.

    def _view(self) -> PodView:
        return PodView(
            containers=[container.status for container in self._main],
            init_containers=[container.status for container in self._init],
            sidecars=self._sidecars,
            restart_policy=self.bound.spec.get("restartPolicy", "Always"),
            is_ending=self._is_ending,
            failure=self._failure,
            conditions=self._conditions,
            is_over=self._is_over,
            previous_phase=self._phase,
        )

    async def _publish(self) -> None:
        while True:
            await self._status_changed.wait()
            self._status_changed.clear()
            await self._report()

    async def _report(self) -> None:
        """Write the pod's status, unless the pod is gone."""
        now = datetime.now(UTC)
        status = pod_status(self._view(), self.bound.pod_ip, self._facts.host_ip, self._start_time, now)
        self._conditions, self._phase = status["conditions"], status["phase"]
        if self._is_gone:
            return
        # A status for another pod of the same name must not be taken.
        body = {"metadata": {"uid": self.bound.metadata["uid"]}, "status": status}
        path = pod_path(self.bound.latest) + "/status"
        try:
            await self._facts.api.call("PATCH", path, body, content_type=STRATEGIC_PATCH)
        except ApiError as error:
            if error.status not in {404, 409}:
                raise

    async def _report_end(self) -> None:
        """Write the last status, and let go of a pod that is being deleted."""
        await self._report()
        while not self._is_gone:
            if self.bound.is_deleted:
                await confirm_deletion(self._facts.api, self.bound.latest)
                return
            await self._changed.wait()
            self._changed.clear()


def _changing_fields(pod: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the fields that a pod's files may show of itself and that can change while it runs."""
    return pod["metadata"].get("labels"), pod["metadata"].get("annotations")


async def confirm_deletion(api: Api, pod: Mapping[str, Any]) -> None:
    """Report to the API server that nothing of a deleted pod is left, so that it may remove the object."""
    body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
    try:
        await api.call("DELETE", pod_path(pod), body)
    except ApiError as error:
        if error.status not in {404, 409}:
            raise
