"""A loadgen pod, as the Job's template has it."""

from dataclasses import dataclass
from typing import Final

import msgspec

from loadtest_model.plan import Plan
from loadtest_model.plan.variable import PLAN_VARIABLE, encode_plan
from loadtest_model.protocol.commands import CONTROL_PORT
from loadtest_model.spec import Spec
from loadtest_operator.facts.destinations import Destination
from loadtest_operator.facts.mounts import mounted_volumes
from loadtest_operator.facts.names import CONTAINER, labels, run_labels
from loadtest_operator.manifests.common import Json, without_nulls
from loadtest_operator.manifests.injection import PodMetadata, injection_metadata
from loadtest_operator.manifests.placement import NOT_TO_BE_MOVED, affinity, node_selector, spread_constraints

GRACE_SECONDS: Final = 10
_USER: Final = 65_532


@dataclass(frozen=True)
class PodDefaults:
    """What the installation sets for every loadgen pod. Further labels may have the `allowed_prefixes`."""

    image: str
    image_pull_policy: str
    resources: Json
    starting_seconds: float
    allowed_prefixes: tuple[str, ...] = ()


def pod_template(
    plan: Plan, spec: Spec, defaults: PodDefaults, known_by: dict[str, str], target: Destination | None
) -> Json:
    """The template of a run's pods, with annotations of the run's target.

    `target` is where the target's own pods are, if that is known.
    """
    options = spec.pod
    marks = (
        PodMetadata(options.labels or {}, options.annotations or {})
        | injection_metadata(options.mesh)
        | NOT_TO_BE_MOVED
        | PodMetadata(labels(plan.name, plan.uid, plan.run_id), known_by)
    )
    return {
        "metadata": {"labels": marks.labels, "annotations": marks.annotations},
        "spec": _pod_spec(plan, spec, defaults, target),
    }


def _pod_spec(plan: Plan, spec: Spec, defaults: PodDefaults, target: Destination | None) -> Json:
    options = spec.pod
    manifest: Json = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": GRACE_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(plan, spec, defaults)],
        "nodeSelector": node_selector(options),
        "topologySpreadConstraints": spread_constraints(run_labels(plan.uid, plan.run_id)),
        "volumes": [{"name": "tmp", "emptyDir": {}}, *(volume.volume for volume in mounted_volumes(spec.target))],
    }
    affinity_rules = affinity(options, target)
    if affinity_rules:
        manifest["affinity"] = affinity_rules
    if options.host_aliases:
        manifest["hostAliases"] = msgspec.to_builtins(options.host_aliases)
    if options.tolerations:
        manifest["tolerations"] = [without_nulls(msgspec.to_builtins(toleration)) for toleration in options.tolerations]
    if options.priority_class_name:
        manifest["priorityClassName"] = options.priority_class_name
    if options.image_pull_secrets:
        manifest["imagePullSecrets"] = [{"name": secret.name} for secret in options.image_pull_secrets]
    return manifest


def _container(plan: Plan, spec: Spec, defaults: PodDefaults) -> Json:
    resources = spec.pod.resources
    return {
        "name": CONTAINER,
        "image": defaults.image,
        "imagePullPolicy": defaults.image_pull_policy,
        "command": ["loadgen", "pod"],
        "env": [
            {"name": PLAN_VARIABLE, "value": encode_plan(plan)},
            _field("POD_IP", "status.podIP"),
            _field("POD_UID", "metadata.uid"),
        ],
        "ports": [{"name": "control", "containerPort": CONTROL_PORT}],
        "resources": without_nulls(msgspec.to_builtins(resources)) if resources else defaults.resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # A container that crashes before it can write its last word leaves the end of its log instead.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - an emptyDir of the pod
            *(volume.mount for volume in mounted_volumes(spec.target)),
        ],
    }


def _field(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
