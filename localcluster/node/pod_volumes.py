"""The files of one pod on the host: its volumes, kept current with what they are made from, and its hosts file."""

import asyncio
import os
from pathlib import Path

from localcluster.node import users, volumes
from localcluster.node.api import ApiError
from localcluster.node.bound_pod import BoundPod
from localcluster.node.environment import ConfigError
from localcluster.node.names import hosts_file, resolver_settings
from localcluster.node.warnings import warn

_TOKEN_RENEWAL = 0.8
_RETRY_SECONDS = 1.0


class PodVolumes:
    """Writes the files of a pod into its directory, and again whenever their sources change."""

    def __init__(self, pod: BoundPod) -> None:
        self._pod = pod
        self._are_ready = asyncio.Event()
        self._sources_changed = asyncio.Event()
        self._tokens: dict[volumes.TokenRequest, tuple[str, float]] = {}
        self._service_lines: list[str] = []

    def make_directory(self) -> None:
        """Make the pod's directory, with empty volumes and with the files that are in every container's /etc."""
        directory = self._pod.directory
        directory.mkdir(0o700, parents=True, exist_ok=True)
        for volume in self._pod.spec.get("volumes", []):
            volume_directory = directory / "volumes" / volume["name"]
            if "persistentVolumeClaim" in volume:
                self._link_claim(volume_directory, volume["persistentVolumeClaim"]["claimName"])
            volume_directory.mkdir(parents=True, exist_ok=True)
            if volumes.is_writable(volume):
                volumes.open_directory(volume_directory, self._pod.fs_group)
        (directory / "hosts").touch()
        texts = {
            "resolv.conf": resolver_settings(self._pod.metadata["namespace"]),
            "nsswitch.conf": "hosts: files\n",
            "passwd": users.PASSWD,
            "group": users.GROUP,
        }
        for name, text in texts.items():
            (directory / name).write_text(text, encoding="ascii")
        self._write_hosts()

    def _link_claim(self, volume_directory: Path, claim: str) -> None:
        """Have a volume be the folder of a claim, which outlives the pod as long as the cluster does."""
        folder = self._pod.directory.parent.parent / "claims" / f"{self._pod.metadata['namespace']}_{claim}"
        folder.mkdir(parents=True, exist_ok=True)
        volume_directory.parent.mkdir(parents=True, exist_ok=True)
        if not volume_directory.is_symlink():
            volume_directory.symlink_to(folder)

    def set_service_lines(self, lines: list[str]) -> None:
        """Have the pod's hosts file resolve Services by these lines."""
        if lines != self._service_lines:
            self._service_lines = lines
            self._write_hosts()

    def refresh(self) -> None:
        """Read the sources of the volumes again, now."""
        self._sources_changed.set()

    def refresh_later(self) -> None:
        """Read the sources of the volumes again after the delay that nodes have."""
        asyncio.get_running_loop().call_later(self._pod.facts.delays.volume, self._sources_changed.set)

    async def write_all(self, stop: asyncio.Event, pod_changed: asyncio.Event) -> bool:
        """Return True once every volume has its files, False if `stop` is set before.

        What is missing is reported, and looked for again after a while or when the pod has changed.
        """
        while not stop.is_set():
            try:
                await self._write_volumes()
            except ConfigError as error:
                await warn(self._pod.facts.api, self._pod.latest, "FailedMount", str(error))
                await _wait_and_clear(pod_changed, _RETRY_SECONDS)
            except ApiError:
                await _wait_and_clear(pod_changed, _RETRY_SECONDS)
            else:
                self._are_ready.set()
                return True
        return False

    async def keep_current(self) -> None:
        """Write the volumes again when their sources change or a token ages, from write_all on until cancelled."""
        await self._are_ready.wait()
        while True:
            renewals = [renewal for _, renewal in self._tokens.values()]
            now = asyncio.get_running_loop().time()
            await _wait_and_clear(self._sources_changed, max(1.0, min(renewals) - now) if renewals else None)
            try:
                await self._write_volumes()
            except (ConfigError, ApiError):
                # What was there stays, as on any node, until it can be replaced.
                await asyncio.sleep(_RETRY_SECONDS)

    def _write_hosts(self) -> None:
        text = hosts_file(self._pod.latest, self._pod.pod_ip, self._service_lines).encode()
        # In place, for it is a mount in running containers; in one write, so that no reader finds half of it.
        try:
            descriptor = os.open(self._pod.directory / "hosts", os.O_WRONLY)
        except FileNotFoundError:
            # The pod is over, and its folder going.
            return
        try:
            os.pwrite(descriptor, text, 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)

    async def _write_volumes(self) -> None:
        pod = self._pod
        objects = await pod.read_objects(*volumes.references(pod.latest))
        tokens = {request: await self._token(request) for request in volumes.token_requests(pod.latest)}
        sources = pod.sources(objects)
        for volume in pod.spec.get("volumes", []):
            try:
                files = volumes.volume_files(volume, sources, tokens, users.common_user(pod.latest))
            except ConfigError as error:
                raise ConfigError(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from error
            if files is not None:
                directory = pod.directory / "volumes" / volume["name"]
                volumes.write_files(directory, volumes.with_group(files, pod.fs_group))

    async def _token(self, request: volumes.TokenRequest) -> str:
        """Return a token of the pod's service account, a new one if the last one has aged."""
        now = asyncio.get_running_loop().time()
        if request in self._tokens:
            token, renewal = self._tokens[request]
            if now < renewal:
                return token
        metadata = self._pod.metadata
        account = self._pod.spec.get("serviceAccountName", "default")
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
        answer = await self._pod.facts.api.call(
            "POST",
            f"/api/v1/namespaces/{metadata['namespace']}/serviceaccounts/{account}/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec},
        )
        token = str(answer["status"]["token"])
        self._tokens[request] = (token, now + _TOKEN_RENEWAL * request.expiration_seconds)
        return token


async def _wait_and_clear(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for the event, and clear it; after so many seconds return without it."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
    event.clear()
