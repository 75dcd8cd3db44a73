"""One pod on the node: its volumes, its containers in order, its status at the API server, its end."""

import asyncio
import os
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from localcluster.node import environment, users, vacated, volumes
from localcluster.node.api import STRATEGIC_PATCH, Api, ApiError, Object
from localcluster.node.container import Container, Files, ImageError, Timing
from localcluster.node.delays import Delays
from localcluster.node.environment import ConfigError, Objects, Sources
from localcluster.node.faults import Fault, damaged_message, has_fault
from localcluster.node.fields import Addresses, quantity
from localcluster.node.images import Image
from localcluster.node.memory import Bound, Memory
from localcluster.node.names import hosts_file, resolver_settings
from localcluster.node.probes import Prober
from localcluster.node.process import ContainerProcess
from localcluster.node.rootfs import Mount, closed_directories
from localcluster.node.sandbox import SandboxSpec
from localcluster.node.status import PodView, Terminated, pod_status
from localcluster.node.warnings import warn

_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_PRIVATE_DIRECTORIES = ("/tmp", "/run")
_TOKEN_RENEWAL = 0.8
_RETRY_SECONDS = 1.0
_NOTE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What all pods of the node have in common."""

    api: Api
    session: aiohttp.ClientSession
    server_host: str
    server_port: int
    run_dir: Path
    host_ip: str
    capacity: Mapping[str, str]
    images: Mapping[str, Image]
    back_off_seconds: float
    delays: Delays
    memory: Memory
    vacated: vacated.Vacated


def pod_path(pod: Mapping[str, Any]) -> str:
    """Return the pod's path at the API server."""
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"


class Pod:
    """Runs a pod that is bound to the node. `latest` is the pod as last heard of, `namespace` around it."""

    def __init__(
        self,
        pod: Object,
        namespace: Object | None,
        pod_ip: str,
        facts: NodeFacts,
        services: Mapping[str, Object],
    ) -> None:
        """services are the cluster's as last heard of, by UID, and kept current by the caller."""
        self.latest = pod
        self.namespace = namespace
        self.pod_ip = pod_ip
        self._facts = facts
        self._services = services
        self._directory = facts.run_dir / "pods" / pod["metadata"]["uid"]
        self._addresses = Addresses(pod_ip=pod_ip, host_ip=facts.host_ip)
        self._dirty = asyncio.Event()
        self._stop = asyncio.Event()
        self._refresh = asyncio.Event()
        self._mounted = asyncio.Event()
        self._sources_changed = asyncio.Event()
        self._gone = False
        self._lost = False
        self._failure: tuple[str, str] | None = None
        self._ended = False
        self._over = False
        self._phase = ""
        self._ports: set[int] = set()
        self._start_time = datetime.now(UTC)
        self._conditions: list[dict[str, Any]] = []
        self._tokens: dict[volumes.TokenRequest, tuple[str, float]] = {}
        self._service_lines: list[str] = []
        self._init = [self._container(spec) for spec in pod["spec"].get("initContainers", [])]
        self._main = [self._container(spec) for spec in pod["spec"]["containers"]]
        self._sidecars = frozenset(
            spec["name"] for spec in pod["spec"].get("initContainers", []) if spec.get("restartPolicy") == "Always"
        )

    # What the node tells the pod.

    def update(self, pod: Object, namespace: Object | None) -> None:
        """Hear of the pod's or its namespace's news; a deletion begins the end."""
        relabelled = _told(pod) != _told(self.latest)
        self.latest, self.namespace = pod, namespace
        self._refresh.set()
        if relabelled:
            self._sources_changed.set()
        if "deletionTimestamp" in pod["metadata"]:
            self._stop.set()

    def vanish(self) -> None:
        """Hear that the pod is gone from the API server: end it at once and report nothing more."""
        self._gone = True
        self._stop.set()
        self._refresh.set()
        self.kill(None)

    def refresh(self) -> None:
        """Look again, after a while, at what the pod's volumes are made from."""
        asyncio.get_running_loop().call_later(self._facts.delays.volume, self._sources_changed.set)

    def resolve(self, lines: list[str]) -> None:
        """Have the pod's hosts file resolve Services by these lines."""
        if lines != self._service_lines:
            self._service_lines = lines
            self._write_hosts()

    def kill(self, container: str | None) -> None:
        """SIGKILL the processes of one container, None for all."""
        for one in (*self._init, *self._main):
            if container in {None, one.status.name}:
                one.kill()

    def processes(self) -> dict[str, int]:
        """Return the first process of each running container, by container name."""
        return {one.status.name: one.process.pid for one in (*self._init, *self._main) if one.process}

    def lose(self) -> None:
        """Say that the pod ran before on a node that went away: its containers' ends are unknown."""
        self._lost = True

    async def run(self) -> None:
        """Run the pod to its end and report it; afterwards none of its processes lives."""
        self._prepare_directory()
        try:
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(self._publish()), group.create_task(self._keep_volumes())]
                stopping = group.create_task(self._stop.wait())
                living = group.create_task(self._live())
                await asyncio.wait({stopping, living}, return_when=asyncio.FIRST_COMPLETED)
                self._ports = self._open_ports()
                await self._end(living)
                for task in (stopping, *helpers):
                    task.cancel()
            await self._end_later()
            await self._report_end()
        finally:
            await asyncio.to_thread(shutil.rmtree, self._directory, True)

    # What containers ask of their pod.

    async def prepare(self, container: Mapping[str, Any], files: Files) -> SandboxSpec:
        """See container.Surroundings."""
        image = self._image(container["image"])
        user = users.user_of(self.latest, container, image.user)
        objects = await self._objects(*environment.references(container))
        stated = environment.environment(container, self._sources(objects), self._service_variables())
        env = {**self._base_environment(image, user.home), **stated}
        name = container["name"]
        root = self._directory / "roots" / name
        root.mkdir(parents=True, exist_ok=True)
        return SandboxSpec(
            root=str(root),
            argv=environment.command_line(container, image.entrypoint, stated),
            env=env,
            working_directory=container.get("workingDir", image.workdir),
            host_name=self._host_name(),
            mounts=self._mounts(container, files, image),
            user=user,
            user_namespace=not users.can_be_others(),
        )

    def bound(self, container: Mapping[str, Any]) -> AbstractContextManager[Bound | None]:
        """See container.Surroundings."""
        stated = container.get("resources", {}).get("limits", {}).get("memory")
        name = f"{self.latest['metadata']['uid']}-{container['name']}"
        return self._facts.memory.bound(name, None if stated is None else int(quantity(str(stated))))

    def prober(self, container: Mapping[str, Any], running: ContainerProcess) -> Prober:
        """See container.Surroundings."""
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", []) if "name" in port}
        return Prober(self._facts.session, self.pod_ip, ports, running.execute)

    def delivered(self, message: str) -> str:
        """See container.Surroundings."""
        return damaged_message(
            message,
            lost=has_fault(Fault.MESSAGE_LOST, self.latest, self.namespace),
            torn=has_fault(Fault.MESSAGE_TORN, self.latest, self.namespace),
        )

    def changed(self) -> None:
        """See container.Surroundings."""
        self._dirty.set()

    # Its life.

    def _container(self, spec: Mapping[str, Any]) -> Container:
        pod = self.latest
        policy = spec.get("restartPolicy", pod["spec"].get("restartPolicy", "Always"))
        if spec in pod["spec"].get("initContainers", []) and policy == "Always" and "restartPolicy" not in spec:
            policy = "OnFailure"
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        files = Files(
            spec=self._directory / f"{spec['name']}.json",
            log=self._facts.run_dir / "logs" / f"{namespace}_{name}_{spec['name']}.log",
            message=self._directory / f"{spec['name']}.message",
        )
        timing = Timing(self._facts.back_off_seconds, self._grace_seconds())
        return Container(spec, policy, files, self, timing)

    def _grace_seconds(self) -> float:
        stated = self.latest["metadata"].get("deletionGracePeriodSeconds")
        default = self.latest["spec"].get("terminationGracePeriodSeconds", 30)
        return float(default if stated is None else stated)

    async def _live(self) -> None:
        self.changed()
        if self._lost and self.latest["spec"].get("restartPolicy") == "Never":
            for container in self._main:
                container.lose()
            return
        deadline = self.latest["spec"].get("activeDeadlineSeconds")
        try:
            async with asyncio.timeout(deadline):
                if await self._volumes_ready():
                    await self._run_containers()
        except TimeoutError:
            self._failure = ("DeadlineExceeded", "Pod was active on the node longer than the specified deadline")

    async def _run_containers(self) -> None:
        async with asyncio.TaskGroup() as group:
            beside = []
            for container in self._init:
                running = group.create_task(container.run())
                if container.status.name in self._sidecars:
                    beside.append(running)
                    await container.started.wait()
                    continue
                await running
                state = container.status.state
                if not isinstance(state, Terminated) or state.exit_code != 0:
                    break
            else:
                async with asyncio.TaskGroup() as mains:
                    for container in self._main:
                        mains.create_task(container.run())
            await self._stop_all(self._init)

    async def _end(self, living: asyncio.Task[None]) -> None:
        """End every container, within the pod's grace where it is being deleted."""
        self._ended = self._stop.is_set() or self._failure is not None
        await self._stop_all(self._main)
        await self._stop_all(self._init)
        # It still has to note how its containers ended; what waits for something else is cut short.
        await asyncio.wait({living}, timeout=_NOTE_SECONDS)
        if not living.done():
            living.cancel()
            await asyncio.wait({living})

    async def _end_later(self) -> None:
        """Tell that the containers have ended, and take a while over the pod's own end, as a kubelet does."""
        await self._report()
        self._facts.vacated.silence(self.pod_ip, self._ports)
        if not self._gone:
            await asyncio.sleep(self._facts.delays.phase)
        self._over = True

    def _open_ports(self) -> set[int]:
        """Return the ports that clients of the pod may know: those declared, and those at which it listens."""
        containers = [*self.latest["spec"].get("initContainers", ()), *self.latest["spec"]["containers"]]
        declared = {int(port["containerPort"]) for one in containers for port in one.get("ports", ())}
        return declared | vacated.listening_ports(self.pod_ip)

    async def _stop_all(self, containers: list[Container]) -> None:
        grace_seconds = 0.0 if self._gone else self._grace_seconds()
        async with asyncio.TaskGroup() as group:
            for container in containers:
                group.create_task(container.stop(grace_seconds))

    # Its volumes and names.

    def _prepare_directory(self) -> None:
        self._directory.mkdir(0o700, parents=True, exist_ok=True)
        for volume in self.latest["spec"].get("volumes", []):
            directory = self._directory / "volumes" / volume["name"]
            directory.mkdir(parents=True, exist_ok=True)
            if "emptyDir" in volume:
                volumes.open_to(directory, self._fs_group())
        (self._directory / "hosts").touch()
        texts = {
            "resolv.conf": resolver_settings(self.latest["metadata"]["namespace"]),
            "nsswitch.conf": "hosts: files\n",
            "passwd": users.PASSWD,
            "group": users.GROUP,
        }
        for name, text in texts.items():
            (self._directory / name).write_text(text, encoding="ascii")
        self._write_hosts()

    def _write_hosts(self) -> None:
        text = hosts_file(self.latest, self.pod_ip, self._service_lines).encode()
        # In place, for it is a mount in running containers; in one write, so that no reader finds half of it.
        try:
            descriptor = os.open(self._directory / "hosts", os.O_WRONLY)
        except FileNotFoundError:
            # The pod is over, and its folder going.
            return
        try:
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)

    async def _volumes_ready(self) -> bool:
        """Return True once every volume has its files, False if the pod ends before."""
        while not self._stop.is_set():
            try:
                await self._write_volumes()
            except ConfigError as error:
                await warn(self._facts.api, self.latest, "FailedMount", str(error))
                await self._wait_for(self._refresh, _RETRY_SECONDS)
            except ApiError:
                await self._wait_for(self._refresh, _RETRY_SECONDS)
            else:
                self._mounted.set()
                return True
        return False

    async def _keep_volumes(self) -> None:
        await self._mounted.wait()
        while True:
            ages = [renewal for _, renewal in self._tokens.values()]
            now = asyncio.get_running_loop().time()
            await self._wait_for(self._sources_changed, max(1.0, min(ages) - now) if ages else None)
            try:
                await self._write_volumes()
            except (ConfigError, ApiError):
                # What was there stays, as on any node, until it can be replaced.
                await asyncio.sleep(_RETRY_SECONDS)

    async def _wait_for(self, event: asyncio.Event, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
        event.clear()

    async def _write_volumes(self) -> None:
        objects = await self._objects(*volumes.references(self.latest))
        tokens = {request: await self._token(request) for request in volumes.token_requests(self.latest)}
        sources = self._sources(objects)
        for volume in self.latest["spec"].get("volumes", []):
            try:
                files = volumes.volume_files(volume, sources, tokens, users.common_user(self.latest))
            except ConfigError as error:
                raise ConfigError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from error
            if files is not None:
                volumes.write_files(
                    self._directory / "volumes" / volume["name"], volumes.owned(files, self._fs_group())
                )

    async def _token(self, request: volumes.TokenRequest) -> str:
        known = self._tokens.get(request)
        now = asyncio.get_running_loop().time()
        if known is not None and now < known[1]:
            return known[0]
        metadata = self.latest["metadata"]
        account = self.latest["spec"].get("serviceAccountName", "default")
        reference = {
            "apiVersion": "v1",
            "kind": "Pod",
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        spec = {
            "audiences": [request.audience] if request.audience else [],
            "expirationSeconds": request.expiration_seconds,
            "boundObjectRef": reference,
        }
        answer = await self._facts.api.call(
            "POST",
            f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec},
        )
        token: str = answer["status"]["token"]
        self._tokens[request] = (token, now + _TOKEN_RENEWAL * request.expiration_seconds)
        return token

    def _fs_group(self) -> int | None:
        group: int | None = (self.latest["spec"].get("securityContext") or {}).get("fsGroup")
        return group

    def _sources(self, objects: Objects) -> Sources:
        return Sources(self.latest, objects, self._addresses, self._facts.capacity)

    async def _objects(self, secrets: set[str], config_maps: set[str]) -> Objects:
        namespace = self.latest["metadata"]["namespace"]
        base = f"/api/v1/namespaces/{namespace}"
        found_secrets = {name: await self._facts.api.get_or_none(f"{base}/secrets/{name}") for name in secrets}
        found_maps = {name: await self._facts.api.get_or_none(f"{base}/configmaps/{name}") for name in config_maps}
        return Objects(
            namespace,
            {name: item for name, item in found_secrets.items() if item is not None},
            {name: item for name, item in found_maps.items() if item is not None},
        )

    # What its containers see.

    def _image(self, name: str) -> Image:
        image = self._facts.images.get(name)
        if image is None or has_fault(Fault.IMAGE_MISSING, self.latest, self.namespace):
            raise ImageError(f'failed to pull and unpack image "{name}": not found')
        return image

    def _host_name(self) -> str:
        spec = self.latest["spec"]
        return str(spec.get("hostname") or self.latest["metadata"]["name"])[:63]

    def _base_environment(self, image: Image, home: str) -> dict[str, str]:
        return {
            "PATH": ":".join((*image.path, *_SYSTEM_PATH)),
            "HOME": home,
            "HOSTNAME": self._host_name(),
            **{name: environment.expand(value, {"POD_IP": self.pod_ip}) for name, value in image.env.items()},
        }

    def _service_variables(self) -> dict[str, str]:
        return environment.service_variables(
            self._services.values(),
            self.latest["metadata"]["namespace"],
            links=self.latest["spec"].get("enableServiceLinks", True),
            api_server=(self._facts.server_host, self._facts.server_port),
        )

    def _mounts(self, container: Mapping[str, Any], files: Files, image: Image) -> list[Mount]:
        private = self._directory / "private" / container["name"]
        read_only_root = (container.get("securityContext") or {}).get("readOnlyRootFilesystem", False)
        mounts = [Mount("/dev/shm", None)]
        for directory in _PRIVATE_DIRECTORIES:
            source = Path(f"{private}{directory}")
            source.mkdir(parents=True, exist_ok=True)
            source.chmod(0o1777)
            mounts.append(Mount(directory, str(source), read_only_root))
        closed = closed_directories(list(image.visible))
        mounts += [Mount(directory, None, read_only=True) for directory in closed]
        mounts += [
            Mount(path, path, read_only=True)
            for path in image.visible
            if any(path.startswith(directory + "/") for directory in (*_PRIVATE_DIRECTORIES, *closed))
        ]
        for name in ("hosts", "resolv.conf", "nsswitch.conf", "passwd", "group"):
            mounts.append(Mount(f"/etc/{name}", str(self._directory / name)))
        message_path = container.get("terminationMessagePath", "/dev/termination-log")
        mounts.append(Mount(message_path, str(files.message)))
        kinds = {volume["name"]: volume for volume in self.latest["spec"].get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            source = self._directory / "volumes" / mount["name"] / mount.get("subPath", "")
            if "emptyDir" in kinds[mount["name"]] and not source.exists():
                source.mkdir(parents=True)
                volumes.open_to(source, self._fs_group())
            read_only = mount.get("readOnly", False) or "emptyDir" not in kinds[mount["name"]]
            mounts.append(Mount(mount["mountPath"].rstrip("/"), str(source), read_only))
        return mounts

    # Its status.

    def _view(self) -> PodView:
        return PodView(
            containers=[one.status for one in self._main],
            init_containers=[one.status for one in self._init],
            sidecars=self._sidecars,
            restart_policy=self.latest["spec"].get("restartPolicy", "Always"),
            ending=self._ended,
            failure=self._failure,
            conditions=self._conditions,
            over=self._over,
            phase_before=self._phase,
        )

    async def _publish(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            await self._report()

    async def _report(self) -> None:
        """Write the pod's status, unless the pod is gone."""
        status = pod_status(self._view(), self.pod_ip, self._facts.host_ip, self._start_time, datetime.now(UTC))
        self._conditions, self._phase = status["conditions"], status["phase"]
        if self._gone:
            return
        # A status for another pod of the same name must not be taken.
        body = {"metadata": {"uid": self.latest["metadata"]["uid"]}, "status": status}
        try:
            await self._facts.api.call("PATCH", pod_path(self.latest) + "/status", body, content_type=STRATEGIC_PATCH)
        except ApiError as error:
            if error.status not in {404, 409}:
                raise

    async def _report_end(self) -> None:
        """Write the last status, and let go of a pod that is being deleted."""
        await self._report()
        while not self._gone:
            if "deletionTimestamp" in self.latest["metadata"]:
                await release(self._facts.api, self.latest)
                return
            await self._wait_for(self._refresh, None)


def _told(pod: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what a pod may be told of itself that can change while it runs."""
    return pod["metadata"].get("labels"), pod["metadata"].get("annotations")


async def release(api: Api, pod: Mapping[str, Any]) -> None:
    """Tell the API server that nothing of a deleted pod is left, so that it may forget it."""
    body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
    try:
        await api.call("DELETE", pod_path(pod), body)
    except ApiError as error:
        if error.status not in {404, 409}:
            raise
