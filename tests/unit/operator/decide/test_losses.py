"""What is said of pods that are lost or do not answer: the next step first, then the evidence."""

import json
from dataclasses import replace

from msgspec import structs

from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.protocol.exits import PodExit
from loadtest_model.report.status import ConditionType
from loadtest_operator.decide import decide
from loadtest_operator.decide.losses import end_description
from loadtest_operator.facts.observation import ContainerEnd, Observation, ObservedPod
from loadtest_operator.facts.resources import observed_pod
from support.operator_builders import POLICY, a_killed_pod, a_pod, a_silent_pod, an_observation

LOG = (
    json.dumps({"level": "info", "event": "running"}) + "\n" + json.dumps({"level": "error", "event": "defect"}) + "\n"
)
THROTTLED = GeneratorHealth(throttled_share=0.93, cpu_limit_cores=0.02)


def ended(exit_code: int, reason: str, message: str = LOG, memory_limit: str = "") -> ObservedPod:
    made = a_killed_pod(1, exit_code=exit_code)
    terminated = ContainerEnd(exit_code=exit_code, reason=reason, message=message)
    return replace(made, container_end=terminated, memory_limit=memory_limit)


def throttled(pod: ObservedPod) -> ObservedPod:
    assert pod.snapshot is not None
    return replace(pod, snapshot=structs.replace(pod.snapshot, generator=THROTTLED))


def why_it_stops(observation: Observation) -> str:
    status = decide(observation, POLICY).status
    assert status is not None
    condition = status.condition(ConditionType.RUNNING)
    assert condition is not None
    return condition.message


def test_of_a_killed_pod_no_log_is_told() -> None:
    assert end_description(ended(137, "OOMKilled")) == "exit code 137, OOMKilled"
    assert end_description(ended(137, "Error")) == "exit code 137, Error"
    assert end_description(ended(1, "OOMKilled")) == "exit code 1, OOMKilled"


def test_of_another_end_the_warnings_are_told() -> None:
    assert end_description(ended(139, "Error")) == "exit code 139, Error: error: defect"
    assert (
        end_description(ended(-1, "Evicted", "The node was low on memory."))
        == "ended, Evicted: The node was low on memory."
    )


def test_a_pod_without_memory_is_told_by_the_step_that_helps_and_its_limit() -> None:
    lost = ended(137, "OOMKilled", memory_limit="128Mi")

    told = why_it_stops(an_observation(a_pod(0, PodState.RUNNING), lost, begun=True))

    assert told.startswith("raise spec.pod.resources.limits.memory (128Mi now)")
    assert told.endswith("then run again; lost heavy-1-1 (exit code 137, OOMKilled)")


def test_a_pod_that_was_killed_otherwise_is_told_by_where_to_look() -> None:
    told = why_it_stops(an_observation(a_pod(0, PodState.RUNNING), ended(137, "Error"), begun=True))

    assert told.startswith("look at the pods' events and nodes, then run again; lost heavy-1-1")


def test_a_silent_pod_that_is_throttled_is_told_by_its_limit() -> None:
    silent = throttled(a_silent_pod(1, 60.0))

    told = why_it_stops(an_observation(a_pod(0, PodState.RUNNING), silent, begun=True))

    assert told.startswith("raise spec.pod.resources.limits.cpu to 1, or remove it, then run again; lost heavy-1-1")
    assert "silent for 60 s; the generator was throttled for 93% of the time by its CPU limit of 20m" in told


def test_a_pod_that_cannot_have_started_yet_is_told_by_its_limit_before_any_network_policy() -> None:
    silent = replace(a_silent_pod(1, POLICY.control_seconds, None), cpu_limit_cores=0.02)

    told = why_it_stops(an_observation(a_pod(0, PodState.VERIFIED), silent))

    assert told.startswith("raise spec.pod.resources.limits.cpu to 1, or remove it; ")
    assert "its CPU limit of 20m gave it 0.6 s of CPU time in 30 s" in told
    assert told.index("20m") < told.index("NetworkPolicy")


def test_a_pod_with_cpu_enough_to_start_is_not_told_by_its_limit() -> None:
    silent = replace(a_silent_pod(1, POLICY.control_seconds, None), cpu_limit_cores=0.5)

    assert "limits.cpu" not in why_it_stops(an_observation(a_pod(0, PodState.VERIFIED), silent))


def test_the_limits_are_those_of_the_generators_container() -> None:
    beside = {"name": "proxy", "resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}
    own = {"name": "loadgen", "resources": {"limits": {"cpu": "20m", "memory": "128Mi"}}}
    pod = {"metadata": {"name": "a", "uid": "u"}, "spec": {"containers": [beside, own]}, "status": {}}

    assert (observed_pod(pod).cpu_limit_cores, observed_pod(pod).memory_limit) == (0.02, "128Mi")
    own["resources"] = {"limits": {"cpu": 2}}
    assert (observed_pod(pod).cpu_limit_cores, observed_pod(pod).memory_limit) == (2.0, "")
    del own["resources"]
    assert (observed_pod(pod).cpu_limit_cores, observed_pod(pod).memory_limit) == (None, "")


def test_of_several_pods_that_crashed_the_one_without_memory_says_what_helps() -> None:
    terminated = replace(a_killed_pod(0, None, exit_code=143))
    starved = replace(ended(137, "OOMKilled", memory_limit="32Mi"), snapshot=None)

    told = why_it_stops(an_observation(terminated, starved))

    assert told.startswith("raise spec.pod.resources.limits.memory (32Mi now)")
    assert "heavy-1-1" in told


def test_a_generator_that_failed_since_a_process_of_its_pod_ran_out_of_memory_is_no_defect() -> None:
    starved = ended(int(PodExit.DEFECT), "OOMKilled", memory_limit="128Mi")

    told = why_it_stops(an_observation(a_pod(0, PodState.RUNNING), starved, begun=True))

    assert told.startswith("raise spec.pod.resources.limits.memory (128Mi now)")
    assert "defect" not in told


def test_a_container_that_has_no_memory_to_begin_with_is_told_by_its_limit() -> None:
    words = "failed to create containerd task: container init was OOM-killed (memory limit too low?)"
    starved = replace(ended(128, "StartError", message=words, memory_limit="4Mi"), snapshot=None)

    assert why_it_stops(an_observation(starved)).startswith("raise spec.pod.resources.limits.memory (4Mi now)")


def test_a_pod_that_was_killed_close_to_its_limit_is_told_by_the_limit_where_its_node_says_only_error() -> None:
    killed = ended(137, "Error", memory_limit="128Mi")
    assert killed.snapshot is not None
    close, far = (
        replace(
            killed, snapshot=structs.replace(killed.snapshot, generator=GeneratorHealth(memory_bytes=mebibytes << 20))
        )
        for mebibytes in (120, 60)
    )

    told = why_it_stops(an_observation(a_pod(0, PodState.RUNNING), close, begun=True))
    assert told.startswith("raise spec.pod.resources.limits.memory (128Mi now)")
    assert "used 120 MiB of its 128Mi" in told
    told = why_it_stops(an_observation(a_pod(0, PodState.RUNNING), far, begun=True))
    assert told.startswith("look at the pods' events and nodes")
