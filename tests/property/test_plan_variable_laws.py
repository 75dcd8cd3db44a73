"""A pod reads the plan that was written for it, whatever a kubelet makes of its environment."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadgen.fleet.environment import read_settings
from loadtest_model.plan import Plan, compile_plan, plan_hash
from loadtest_model.plan.variable import decode_plan
from loadtest_operator.facts.resources import observed_job
from loadtest_operator.manifests import PodDefaults, job
from localcluster.node.environment import Objects, Sources, command_line, environment
from localcluster.node.fields import Addresses
from support.builders import IDENTITY, a_spec

# What the kubelet's expansion knows, in any order, between anything else that may stand in JSON.
PIECES = st.sampled_from(["$", "$$", "$(HOSTNAME)", "$(POD_IP)", "$(", ")", "\\", '"', "\\u0024", "é", "a"])
TEXTS = st.lists(PIECES, max_size=8).map("".join)
FIELDS = st.dictionaries(TEXTS, TEXTS, max_size=3)
SPEC = a_spec(scenario="light")
PLAN = compile_plan(SPEC, IDENTITY)
KNOWN = {"HOSTNAME": "the-pod", "POD_IP": "127.0.0.9", "JOB_COMPLETION_INDEX": "0"}


def a_container(headers: dict[str, str], fields: dict[str, str]) -> tuple[dict[str, Any], Plan]:
    """A pod's container as the operator makes it, and the plan that it is given."""
    plan = structs.replace(PLAN, target=structs.replace(PLAN.target, headers=headers, form_fields=fields))
    made = job(plan, SPEC, PodDefaults("loadgen:1", "IfNotPresent", {}, starting_seconds=300))
    made["metadata"] |= {"uid": "job-1", "creationTimestamp": "2026-03-01T12:00:00Z"}
    assert observed_job(made, IDENTITY.uid).plan == plan
    (container,) = made["spec"]["template"]["spec"]["containers"]
    return container, plan


def as_a_kubelet_gives_it(container: dict[str, Any]) -> dict[str, str]:
    metadata = {"name": "pod-0", "uid": "uid-0", "namespace": "shop", "labels": {}, "annotations": {}}
    pod = {"metadata": metadata, "spec": {"containers": [container]}, "status": {"podIP": "127.0.0.9"}}
    sources = Sources(pod, Objects("shop"), Addresses("127.0.0.9", "127.0.0.1"), {})
    return environment(container, sources, KNOWN)


@given(FIELDS, FIELDS)
def test_the_plan_that_a_pod_decodes_is_the_one_that_was_written(
    headers: dict[str, str], fields: dict[str, str]
) -> None:
    container, plan = a_container(headers, fields)

    decoded_plan = read_settings(as_a_kubelet_gives_it(container)).plan

    assert decoded_plan == plan
    assert plan_hash(decoded_plan) == plan_hash(plan)


@given(FIELDS)
def test_nothing_that_a_kubelet_expands_has_a_dollar_sign(fields: dict[str, str]) -> None:
    container, _ = a_container({}, fields)

    texts = [
        *container["command"],
        *container.get("args", []),
        *(variable.get("value", "") for variable in container["env"]),
    ]
    assert not any("$" in text for text in texts)
    assert command_line(container, (), {}) == ["loadgen", "pod"]


@given(FIELDS)
def test_a_plan_as_earlier_versions_wrote_it_is_read(fields: dict[str, str]) -> None:
    _, plan = a_container({}, fields)

    assert decode_plan(msgspec.json.encode(plan, order="deterministic").decode()) == plan
