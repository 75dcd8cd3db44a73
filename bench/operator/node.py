"""A node for cheap pods: it runs each pod of a LoadTest in this process and reports its status as a kubelet would."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.operator.pods import Pod, make_pod
from loadgen.fleet.environment import PodSettings
from loadtest_model.plan.variable import PLAN_VARIABLE, decode_plan
from localcluster.node.api import MERGE_PATCH, Api, ApiError, Cache

Json = dict[str, Any]

_LABEL: Final = "app.kubernetes.io/managed-by=loadtest-operator"
_INDEX: Final = "batch.kubernetes.io/job-completion-index"
_CONTAINER: Final = "loadgen"


class Node:
    """Runs the pods that carry the operator's label, on addresses of 127.0.0.0/8, while `run` does."""

    def __init__(self, api: Api, folder: Path, second_octet: int) -> None:
        self._api = api
        self._octet = second_octet
        self._pod_count = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._folder = folder
        self.pods: dict[str, Pod] = {}
        self.running_since: dict[str, float] = {}
        self.pods_since: dict[str, float] = {}
        self.jobs_since: dict[str, float] = {}

    async def run(self) -> None:
        pods = Cache(f"/api/v1/pods?labelSelector={_LABEL}", self._on_pod)
        jobs = Cache(f"/apis/batch/v1/jobs?labelSelector={_LABEL}", self._on_job)
        async with asyncio.TaskGroup() as self._group:
            self._group.create_task(jobs.follow(self._api))
            await pods.follow(self._api)

    def forget(self) -> None:
        """Begin anew with the next pod."""
        for record in (self.pods, self.running_since, self.pods_since, self.jobs_since):
            record.clear()

    def _on_job(self, resource: Json, exists: bool) -> None:
        if exists:
            self.jobs_since.setdefault(resource["metadata"]["uid"], asyncio.get_running_loop().time())

    def _on_pod(self, resource: Json, exists: bool) -> None:
        uid = resource["metadata"]["uid"]
        if exists:
            self.pods_since.setdefault(uid, asyncio.get_running_loop().time())
        if exists and uid not in self._tasks and "deletionTimestamp" not in resource["metadata"]:
            assert self._group is not None
            self._tasks[uid] = self._group.create_task(self._live(resource))
        elif (not exists or "deletionTimestamp" in resource["metadata"]) and uid in self.pods:
            self.pods[uid].terminate()

    async def _live(self, resource: Json) -> None:
        metadata = resource["metadata"]
        uid = metadata["uid"]
        self._pod_count += 1
        ip = f"127.{self._octet}.{self._pod_count // 250}.{self._pod_count % 250 + 2}"
        (container,) = resource["spec"]["containers"]
        plan = next(variable["value"] for variable in container["env"] if variable["name"] == PLAN_VARIABLE)
        message_file = self._folder / uid
        settings = PodSettings(
            plan=decode_plan(plan),
            pod_index=int(metadata["annotations"][_INDEX]),
            pod_uid=uid,
            ip=ip,
            termination_path=message_file,
        )
        pod = self.pods[uid] = make_pod(settings)
        run_task = asyncio.create_task(pod.run())
        started_at = _now()
        await self._report(resource, "Running", ip, {"running": {"startedAt": started_at}})
        self.running_since[uid] = asyncio.get_running_loop().time()
        code = int(await run_task)
        message = _read(message_file)
        end = {
            "exitCode": code,
            "message": message,
            "startedAt": started_at,
            "finishedAt": _now(),
            "reason": "Completed",
        }
        await self._report(resource, "Failed" if code else "Succeeded", ip, {"terminated": end})

    async def _report(self, resource: Json, phase: str, ip: str, state: Json) -> None:
        metadata = resource["metadata"]
        container = {
            "name": _CONTAINER,
            "image": "bench",
            "imageID": "",
            "ready": "running" in state,
            "restartCount": 0,
            "state": state,
        }
        status = {"phase": phase, "podIP": ip, "podIPs": [{"ip": ip}], "containerStatuses": [container]}
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        with suppress(ApiError):  # The pod may be gone.
            await self._api.call("PATCH", path, {"status": status}, content_type=MERGE_PATCH)


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
