"""One container of a pod: started, probed, restarted and ended as its spec and its pod's policy say."""

import asyncio
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from localcluster.node import probes, process
from localcluster.node.environment import ConfigError
from localcluster.node.logs import ContainerLog
from localcluster.node.memory import MemoryLimit
from localcluster.node.process import ContainerProcess, StartFailure
from localcluster.node.sandbox import START_FAILED_EXIT_CODE, SandboxSpec
from localcluster.node.status import ContainerStatus, Running, Terminated, Waiting

# The kubelet's.
_MESSAGE_BYTES = 4096
_LOG_MESSAGE_BYTES = 2048
_LOG_MESSAGE_LINES = 80
_MAX_BACK_OFF_SECONDS = 300.0
_RESET_BACK_OFF_AFTER_SECONDS = 600.0
_LEAST_GRACE_SECONDS = 2.0
_CONFIG_RETRY_SECONDS = 1.0


class ImageError(Exception):
    """The container's image is not to be had."""


@dataclass(frozen=True, slots=True)
class ContainerFiles:
    """Where a container's files lie on the host."""

    spec: Path
    log: ContainerLog
    message: Path


@dataclass(frozen=True, slots=True)
class Timing:
    """back_off_seconds: before the second restart, doubled from then on; grace_seconds: SIGTERM to SIGKILL."""

    back_off_seconds: float
    grace_seconds: float


class ContainerContext(Protocol):
    """What a container asks of its pod."""

    async def prepare(self, container: Mapping[str, Any], files: ContainerFiles) -> SandboxSpec:
        """Return what to run; raise ConfigError or ImageError for what is missing."""

    def memory_limit(self, container: Mapping[str, Any]) -> AbstractContextManager[MemoryLimit | None]:
        """Return the memory limit of one run."""

    def prober(self, container: Mapping[str, Any], container_process: ContainerProcess) -> probes.Prober: ...

    def delivered_message(self, message: str) -> str:
        """Return what arrives of a termination message."""

    def on_status_change(self) -> None:
        """Take note that the container's status has changed."""


def termination_message(files: ContainerFiles, policy: str, exit_code: int, log_start: int) -> str:
    """Return the last word of a container: its message file's end or, if so asked and it failed, its log's.

    The log is that of the run that ended, from the byte log_start on.
    """
    message = files.message.read_bytes()[-_MESSAGE_BYTES:].decode(errors="replace")
    if not message and policy == "FallbackToLogsOnError" and exit_code != 0 and files.log.size() > log_start:
        with files.log.file.open("rb") as log:
            log.seek(max(log_start, files.log.size() - _LOG_MESSAGE_BYTES))
            tail = log.read().decode(errors="replace")
        # Only what ends in a newline is a line; splitlines knows other ends too.
        lines = re.findall(r"[^\n]*\n|[^\n]+", tail)
        return "".join(lines[-_LOG_MESSAGE_LINES:])
    return message


class Container:
    """Runs one container until its pod's restart policy lets it rest, or stop is called."""

    def __init__(
        self,
        spec: Mapping[str, Any],
        restart_policy: str,
        files: ContainerFiles,
        context: ContainerContext,
        timing: Timing,
    ) -> None:
        self.status = ContainerStatus(name=spec["name"], image=spec["image"])
        self.process: ContainerProcess | None = None
        self.has_started = asyncio.Event()
        self._spec = spec
        self._restart_policy = restart_policy
        self._files = files
        self._context = context
        self._timing = timing
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run the container to its end, its restarts included."""
        back_off_seconds, back_off = 0.0, self._timing.back_off_seconds
        while not self._stopping.is_set():
            if back_off_seconds:
                self._update_status(state=Waiting("CrashLoopBackOff", self._back_off_message(back_off_seconds)))
                if await self._must_stop_within(back_off_seconds):
                    self._restore_end()
                    return
            sandbox = await self._wait_for_sandbox()
            if sandbox is None:
                return
            start_seconds = asyncio.get_running_loop().time()
            end = await self._run_once(sandbox)
            if self._stays_ended(end):
                return
            duration_seconds = asyncio.get_running_loop().time() - start_seconds
            if duration_seconds > _RESET_BACK_OFF_AFTER_SECONDS:
                back_off_seconds, back_off = 0.0, self._timing.back_off_seconds
            elif self.status.restart_count:
                back_off_seconds, back_off = back_off, min(2 * back_off, _MAX_BACK_OFF_SECONDS)
            self._update_status(restart_count=self.status.restart_count + 1, last_state=end)

    async def stop(self, grace_seconds: float) -> None:
        """End the container and keep it from starting again: its hook, SIGTERM, and after the grace SIGKILL.

        What the hook leaves of the grace is SIGTERM's, but never less than the kubelet's least.
        """
        self._stopping.set()
        container_process = self.process
        if container_process is None:
            return
        clock = asyncio.get_running_loop().time
        deadline = clock() + grace_seconds
        with suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self._pre_stop(container_process)
        container_process.terminate()
        try:
            async with asyncio.timeout_at(max(deadline, clock() + _LEAST_GRACE_SECONDS)):
                await container_process.exit_code()
        except TimeoutError:
            container_process.kill()
            await container_process.exit_code()

    def kill(self) -> None:
        """SIGKILL the container's process, if it runs."""
        if self.process is not None:
            self.process.kill()

    def mark_lost(self) -> None:
        """Report that the container ended together with its node, so that its exit is unknown."""
        now = datetime.now(UTC)
        message = "The container could not be located when the pod was terminated"
        self._update_status(state=Terminated(137, "ContainerStatusUnknown", message, now, now), ready=False)

    def _update_status(self, **changes: Any) -> None:
        self.status = replace(self.status, **changes)
        self._context.on_status_change()

    def _back_off_message(self, seconds: float) -> str:
        return f"back-off {seconds:g}s restarting failed container={self._spec['name']}"

    def _restore_end(self) -> None:
        if self.status.last_state is not None:
            self._update_status(state=self.status.last_state)

    async def _must_stop_within(self, seconds: float) -> bool:
        """Wait so long; return True at once if the container is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    async def _wait_for_sandbox(self) -> SandboxSpec | None:
        """Return what to run once all it needs is there, None if the container is to stop."""
        back_off = self._timing.back_off_seconds
        while not self._stopping.is_set():
            try:
                return await self._context.prepare(self._spec, self._files)
            except ConfigError as error:
                self._update_status(state=Waiting("CreateContainerConfigError", str(error)))
                await self._must_stop_within(_CONFIG_RETRY_SECONDS)
            except ImageError as error:
                self._update_status(state=Waiting("ErrImagePull", str(error)))
                if not await self._must_stop_within(_CONFIG_RETRY_SECONDS):
                    text = f'Back-off pulling image "{self._spec["image"]}"'
                    self._update_status(state=Waiting("ImagePullBackOff", text))
                    await self._must_stop_within(back_off)
                back_off = min(2 * back_off, _MAX_BACK_OFF_SECONDS)
        return None

    async def _run_once(self, sandbox: SandboxSpec) -> Terminated:
        with self._context.memory_limit(self._spec) as limit:
            if limit is None:
                return await self._run_within(sandbox, None)
            return await self._run_within(replace(sandbox, cgroup=limit.join_file), limit)

    async def _run_within(self, sandbox: SandboxSpec, limit: MemoryLimit | None) -> Terminated:
        self._files.message.write_bytes(b"")
        # Whoever it runs as must be able to write it.
        self._files.message.chmod(0o666)
        log_start = self._files.log.begin_run()
        container_process = await process.start(sandbox, self._files.spec, self._files.log.file)
        started_at = datetime.now(UTC)
        if isinstance(container_process, StartFailure):
            return self._record_end(START_FAILED_EXIT_CODE, "StartError", container_process.message, started_at)
        self.process = container_process
        self._update_status(state=Running(started_at), container_id=f"localcluster://{container_process.pid}")
        try:
            if self._stopping.is_set():
                container_process.kill()
            async with asyncio.TaskGroup() as group:
                watch_tasks = [group.create_task(self._probe(container_process))]
                if limit is not None:
                    watch_tasks.append(group.create_task(limit.enforce(container_process.pid)))
                exit_code = await container_process.exit_code()
                for task in watch_tasks:
                    task.cancel()
        except asyncio.CancelledError:
            container_process.kill()
            raise
        finally:
            self.process = None
        policy = self._spec.get("terminationMessagePolicy", "File")
        message = self._context.delivered_message(termination_message(self._files, policy, exit_code, log_start))
        # As containerd says it: also if a child was killed, and the container then ended in another way.
        was_oom_killed = limit is not None and limit.kills() > 0
        reason = "OOMKilled" if was_oom_killed else "Error" if exit_code else "Completed"
        return self._record_end(exit_code, reason, message, started_at)

    def _record_end(self, exit_code: int, reason: str, message: str, started_at: datetime) -> Terminated:
        end = Terminated(exit_code, reason, message, started_at, datetime.now(UTC), self.status.container_id)
        self.has_started.clear()
        self._update_status(state=end, ready=False, started=False)
        return end

    def _stays_ended(self, end: Terminated) -> bool:
        is_final = self._restart_policy == "Never" or (self._restart_policy == "OnFailure" and end.exit_code == 0)
        return is_final or self._stopping.is_set()

    async def _probe(self, container_process: ContainerProcess) -> None:
        prober = self._context.prober(self._spec, container_process)
        if not await probes.wait_until_started(prober, self._spec.get("startupProbe")):
            await self._terminate_unhealthy_process(container_process)
            return
        self.has_started.set()
        self._update_status(started=True, ready="readinessProbe" not in self._spec)
        async with asyncio.TaskGroup() as group:
            if "readinessProbe" in self._spec:
                readiness = probes.follow_readiness(
                    prober, self._spec["readinessProbe"], lambda ready: self._update_status(ready=ready)
                )
                group.create_task(readiness)
            if "livenessProbe" in self._spec:
                group.create_task(self._follow_liveness(prober, container_process))

    async def _follow_liveness(self, prober: probes.Prober, container_process: ContainerProcess) -> None:
        await probes.wait_until_unhealthy(prober, self._spec["livenessProbe"])
        if not self._stopping.is_set():
            await self._terminate_unhealthy_process(container_process)

    async def _terminate_unhealthy_process(self, container_process: ContainerProcess) -> None:
        container_process.terminate()
        await asyncio.sleep(self._timing.grace_seconds)
        container_process.kill()

    async def _pre_stop(self, container_process: ContainerProcess) -> None:
        hook = self._spec.get("lifecycle", {}).get("preStop", {})
        if "exec" in hook:
            await container_process.execute(hook["exec"]["command"])
        elif "sleep" in hook:
            await asyncio.sleep(hook["sleep"]["seconds"])
