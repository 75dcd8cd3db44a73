"""`loadgen pod`: the process of a pod, from its environment to its exit code."""

import os
import time
from collections.abc import Mapping

from loadgen import log
from loadgen.cli import event_loop
from loadgen.fleet.ending import write_last_word
from loadgen.fleet.environment import PodSettings, read_settings, termination_path
from loadgen.fleet.pod import Pod
from loadgen.records import FieldRefusedError
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, HaltReason, PodState, Snapshot
from loadtest_model.protocol.exits import PodExit


def run_pod() -> int:
    """Run the pod that the environment describes; gives its exit code, and leaves a last word also of a defect."""
    log.log_to_stderr()
    try:
        return event_loop.run(_run(read_settings(os.environ)))
    except Exception as error:
        log.error("defect", error)
        write_last_word(termination_path(os.environ), _defect_snapshot(os.environ, error))
        return PodExit.DEFECT


async def _run(settings: PodSettings) -> PodExit:
    return await Pod(settings, time.monotonic_ns).run()


def _defect_snapshot(environment: Mapping[str, str], error: Exception) -> Snapshot:
    index = environment.get("JOB_COMPLETION_INDEX", "")
    return Snapshot(
        schema=SNAPSHOT_SCHEMA,
        pod_index=int(index) if index.isdecimal() else 0,
        pod_uid=environment.get("POD_UID", ""),
        sequence=1,
        state=PodState.HALTED,
        plan_hash="",
        message=str(error) if isinstance(error, FieldRefusedError) else f"{type(error).__name__}: {error}",
        halt_reason=HaltReason.DEFECT,
        final=True,
    )
