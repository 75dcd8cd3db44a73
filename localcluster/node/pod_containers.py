"""What the containers of one pod run in: image, environment, user, mounts, memory limit and probes."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from localcluster.node import environment, users, volumes
from localcluster.node.bound_pod import BoundPod
from localcluster.node.container import Container, ContainerFiles, ImageError, Timing
from localcluster.node.faults import Fault, damaged_message
from localcluster.node.fields import quantity
from localcluster.node.images import Image
from localcluster.node.logs import ContainerLog
from localcluster.node.memory import MemoryLimit
from localcluster.node.probes import Prober
from localcluster.node.process import ContainerProcess
from localcluster.node.rootfs import Mount, closed_directories
from localcluster.node.sandbox import SandboxSpec

_SYSTEM_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_PRIVATE_DIRECTORIES = ("/tmp", "/run")


class PodContext:
    """The ContainerContext of a pod's containers. `on_status_change` is called whenever one's status has changed."""

    def __init__(self, pod: BoundPod, on_status_change: Callable[[], None]) -> None:
        self.on_status_change = on_status_change
        self._pod = pod

    async def prepare(self, container: Mapping[str, Any], files: ContainerFiles) -> SandboxSpec:
        """See ContainerContext."""
        pod = self._pod
        image = self._image(container["image"])
        user = users.user_of(pod.latest, container, image.user)
        objects = await pod.read_objects(*environment.references(container))
        own_env = environment.environment(container, pod.sources(objects), self._service_variables())
        root = pod.directory / "roots" / container["name"]
        root.mkdir(parents=True, exist_ok=True)
        return SandboxSpec(
            root=str(root),
            argv=environment.command_line(container, image.entrypoint, own_env),
            env={**self._base_environment(image, user.home), **own_env},
            working_directory=container.get("workingDir", image.workdir),
            host_name=pod.host_name,
            mounts=self._mounts(container, files, image),
            user=user,
            user_namespace=not users.can_change_user(),
        )

    def memory_limit(self, container: Mapping[str, Any]) -> AbstractContextManager[MemoryLimit | None]:
        """See ContainerContext."""
        amount = container.get("resources", {}).get("limits", {}).get("memory")
        name = f"{self._pod.metadata['uid']}-{container['name']}"
        return self._pod.facts.memory.limit(name, None if amount is None else int(quantity(str(amount))))

    def prober(self, container: Mapping[str, Any], container_process: ContainerProcess) -> Prober:
        """See ContainerContext."""
        ports = {port["name"]: port["containerPort"] for port in container.get("ports", []) if "name" in port}
        return Prober(self._pod.facts.session, self._pod.pod_ip, ports, container_process.execute)

    def delivered_message(self, message: str) -> str:
        """See ContainerContext."""
        lost, torn = self._pod.has_fault(Fault.MESSAGE_LOST), self._pod.has_fault(Fault.MESSAGE_TORN)
        return damaged_message(message, lost=lost, torn=torn)

    def _image(self, name: str) -> Image:
        image = self._pod.facts.images.get(name)
        if image is None or self._pod.has_fault(Fault.IMAGE_MISSING):
            raise ImageError(f'failed to pull and unpack image "{name}": not found')
        return image

    def _base_environment(self, image: Image, home: str) -> dict[str, str]:
        return {
            "PATH": ":".join((*image.path, *_SYSTEM_PATH)),
            "HOME": home,
            "HOSTNAME": self._pod.host_name,
            **{name: environment.expand(value, {"POD_IP": self._pod.pod_ip}) for name, value in image.env.items()},
        }

    def _service_variables(self) -> dict[str, str]:
        return environment.service_variables(
            self._pod.services.values(),
            self._pod.metadata["namespace"],
            links=self._pod.spec.get("enableServiceLinks", True),
            api_server=(self._pod.facts.server_host, self._pod.facts.server_port),
        )

    def _mounts(self, container: Mapping[str, Any], files: ContainerFiles, image: Image) -> list[Mount]:
        message_path = container.get("terminationMessagePath", "/dev/termination-log")
        etc_names = ("hosts", "resolv.conf", "nsswitch.conf", "passwd", "group")
        return [
            Mount("/dev/shm", None),
            *self._private_mounts(container),
            *_image_mounts(image),
            *(Mount(f"/etc/{name}", str(self._pod.directory / name)) for name in etc_names),
            Mount(message_path, str(files.message)),
            *self._volume_mounts(container),
        ]

    def _private_mounts(self, container: Mapping[str, Any]) -> list[Mount]:
        private = self._pod.directory / "private" / container["name"]
        is_root_read_only = (container.get("securityContext") or {}).get("readOnlyRootFilesystem", False)
        mounts = []
        for directory in _PRIVATE_DIRECTORIES:
            source = Path(f"{private}{directory}")
            source.mkdir(parents=True, exist_ok=True)
            source.chmod(0o1777)
            mounts.append(Mount(directory, str(source), is_root_read_only))
        return mounts

    def _volume_mounts(self, container: Mapping[str, Any]) -> list[Mount]:
        volumes_by_name = {volume["name"]: volume for volume in self._pod.spec.get("volumes", [])}
        mounts = []
        for mount in container.get("volumeMounts", []):
            source = self._pod.directory / "volumes" / mount["name"] / mount.get("subPath", "")
            is_writable = volumes.is_writable(volumes_by_name[mount["name"]])
            if is_writable and not source.exists():
                source.mkdir(parents=True)
                volumes.open_directory(source, self._pod.fs_group)
            is_read_only = mount.get("readOnly", False) or not is_writable
            mounts.append(Mount(mount["mountPath"].rstrip("/"), str(source), is_read_only))
        return mounts


def _image_mounts(image: Image) -> list[Mount]:
    closed = closed_directories(list(image.visible))
    hidden = tuple(f"{directory}/" for directory in (*_PRIVATE_DIRECTORIES, *closed))
    return [
        *(Mount(directory, None, read_only=True) for directory in closed),
        *(Mount(path, path, read_only=True) for path in image.visible if path.startswith(hidden)),
    ]


def make_container(pod: BoundPod, spec: Mapping[str, Any], context: PodContext, grace_seconds: float) -> Container:
    """Return a container of the pod, not started yet."""
    policy = spec.get("restartPolicy", pod.spec.get("restartPolicy", "Always"))
    if spec in pod.spec.get("initContainers", []) and policy == "Always" and "restartPolicy" not in spec:
        policy = "OnFailure"
    name, namespace = pod.metadata["name"], pod.metadata["namespace"]
    files = ContainerFiles(
        spec=pod.directory / f"{spec['name']}.json",
        log=ContainerLog.of(pod.facts.run_dir, namespace, name, spec["name"]),
        message=pod.directory / f"{spec['name']}.message",
    )
    return Container(spec, policy, files, context, Timing(pod.facts.back_off_seconds, grace_seconds))
