"""Pods that are lost or do not answer: what to do about it, and the evidence."""

from collections.abc import Sequence
from typing import Final

from loadtest_model.measurement.generator import cores_text, throttling_text
from loadtest_operator.facts.last_lines import last_lines
from loadtest_operator.facts.observation import ObservedPod
from loadtest_operator.facts.pods import OUT_OF_MEMORY
from loadtest_operator.facts.quantities import quantity

SIGKILL_EXIT_CODE: Final = 137
"""The exit code of a process that got SIGKILL."""

RAISE_CPU: Final = "raise spec.pod.resources.limits.cpu to 1, or remove it"
_LOOK: Final = "look at the pods' events and nodes"

_OUT_OF_MEMORY_WORDS: Final = "OOM-killed"
"""What container runtimes say of a limit that does not even let a container begin."""

_CLOSE_TO_LIMIT: Final = 0.9

_STARTING_CPU_SECONDS: Final = 3.0
"""What starting takes of a slow machine's CPU; measured were 0.8 s."""


def end_description(pod: ObservedPod) -> str:
    """How a pod was lost, in a few words."""
    if pod.eviction_reason:
        return f"evicted: {pod.eviction_reason}"
    if pod.container_end is None:
        silent = f"silent for {pod.silent_seconds:.0f} s"
        return "its pod is gone" if pod.is_gone else "; ".join(filter(None, (silent, starvation_text(pod))))
    container_end = pod.container_end
    text = f"exit code {container_end.exit_code}" if container_end.exit_code >= 0 else "ended"
    if container_end.reason:
        text += f", {container_end.reason}"
    # A process that is killed does not say so: what it logged before explains nothing.
    was_killed = container_end.exit_code == SIGKILL_EXIT_CODE or container_end.reason == OUT_OF_MEMORY
    if container_end.exit_code == SIGKILL_EXIT_CODE and container_end.reason != OUT_OF_MEMORY and _memory_text(pod):
        text += f"; {_memory_text(pod)}"
    log_lines = "" if container_end.has_last_word or was_killed else last_lines(container_end.message)
    return f"{text}: {log_lines}" if log_lines else text


def loss_advice(pods: Sequence[ObservedPod]) -> str:
    """The next step after these pods were lost, by the surest of their causes."""
    out_of_memory_pods = [pod for pod in pods if is_out_of_memory(pod)]
    if out_of_memory_pods:
        limit = next((f" ({pod.memory_limit} now)" for pod in out_of_memory_pods if pod.memory_limit), "")
        return (
            f"raise spec.pod.resources.limits.memory{limit}, or share the load among more pods (spec.parallelism) or"
            " lower spec.load.batchSize"
        )
    return RAISE_CPU if any(starvation_text(pod) for pod in pods if pod.container_end is None) else _LOOK


def is_out_of_memory(pod: ObservedPod) -> bool:
    """Whether a pod ended for want of memory.

    A node does not always say `OOMKilled`: of a container that has too little to begin with its runtime tells in
    words, and of another one that is killed some nodes say no more than `Error`.
    """
    end = pod.container_end
    if end is None:
        return False
    is_told = end.reason == OUT_OF_MEMORY or _OUT_OF_MEMORY_WORDS in end.message
    return is_told or (end.exit_code == SIGKILL_EXIT_CODE and bool(_memory_text(pod)))


def _memory_text(pod: ObservedPod) -> str:
    """What a pod used last, if that was close to its limit; empty if it was not, or has no limit."""
    limit_bytes = quantity(pod.memory_limit)
    used_bytes = pod.snapshot.generator.memory_bytes if pod.snapshot is not None else 0
    if not limit_bytes or used_bytes < _CLOSE_TO_LIMIT * limit_bytes:
        return ""
    return f"it used {used_bytes / 2**20:.0f} MiB of its {pod.memory_limit}"


def starvation_text(pod: ObservedPod) -> str:
    """How a CPU limit may by itself keep a pod from answering; empty if it cannot."""
    if pod.snapshot is not None:
        return throttling_text(pod.snapshot.generator)
    limit = pod.cpu_limit_cores
    if limit is None or limit * pod.silent_seconds >= _STARTING_CPU_SECONDS:
        return ""
    return (
        f"its CPU limit of {cores_text(limit)} gave it {limit * pod.silent_seconds:.1f} s of CPU time in"
        f" {pod.silent_seconds:.0f} s, and starting takes 1 to {_STARTING_CPU_SECONDS:.0f} s"
    )
