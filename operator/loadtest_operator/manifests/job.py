"""The Job of a run: its fleet of loadgen pods."""

import math
from typing import Final

from loadtest_model.plan import Plan
from loadtest_model.protocol.exits import PodExit
from loadtest_model.spec import Spec
from loadtest_operator.facts.destinations import Destination
from loadtest_operator.facts.names import CONTAINER, TARGET_ANNOTATION, job_name
from loadtest_operator.manifests.common import Json, chosen_labels, metadata
from loadtest_operator.manifests.pod import PodDefaults, pod_template

_MOST_ADDRESSES: Final = 32


def active_deadline_seconds(plan: Plan, starting_seconds: float) -> int:
    """The longest a run may take in all; the Job controller ends what is left of it then."""
    bounds = plan.deadlines
    return math.ceil(
        starting_seconds
        + 2 * bounds.verification_seconds
        + bounds.barrier_seconds
        + sum(plan.step_span_seconds)
        + plan.ending_seconds
        + bounds.linger_seconds
        + 60
    )


def target_text(target: tuple[str, ...]) -> str:
    """What a target is known by as one annotation: its names, and of its addresses no more than a pod should carry."""
    names = [key for key in target if key.startswith(("service:", "host:"))]
    addresses = [key for key in target if key not in names]
    return " ".join([*names, *addresses[:_MOST_ADDRESSES]])


def job(
    plan: Plan,
    spec: Spec,
    defaults: PodDefaults,
    target: tuple[str, ...] = (),
    destination: Destination | None = None,
) -> Json:
    """The Indexed Job of a run: the fleet. Nothing in it is ever retried, since a replaced pod must not load.

    `target` is what the target is known by, for other tests to see what is loaded as long as a pod lives;
    `destination` is where its own pods are, if that is known.
    """
    known_by = {TARGET_ANNOTATION: target_text(target)}
    manifest: Json = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            **metadata(plan, job_name(plan.name, plan.uid, plan.run_id), chosen_labels(spec)),
            "annotations": known_by,
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": plan.parallelism,
            "parallelism": plan.parallelism,
            "backoffLimitPerIndex": 0,
            "maxFailedIndexes": 0,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": active_deadline_seconds(plan, defaults.starting_seconds),
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailJob",
                        "onExitCodes": {
                            "containerName": CONTAINER,
                            "operator": "In",
                            "values": [int(PodExit.VIOLATION), int(PodExit.REFUSED)],
                        },
                    }
                ]
            },
            "template": pod_template(plan, spec, defaults, known_by, destination),
        },
    }
    if spec.ttl_seconds_after_finished is not None:
        manifest["spec"]["ttlSecondsAfterFinished"] = spec.ttl_seconds_after_finished
    return manifest
