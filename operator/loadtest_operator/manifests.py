"""The objects that the operator makes in a test's namespace, as Kubernetes JSON."""

import base64
import gzip
import math
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from loadtest_model.commands import CONTROL_PORT
from loadtest_model.exits import PodExit
from loadtest_model.plan import Plan
from loadtest_model.spec import API_VERSION, KIND, Spec
from loadtest_operator.mounts import mounts
from loadtest_operator.names import CONTAINER, job_name, labels, results_name
from loadtest_operator.resources import PLAN_VARIABLE

Json = dict[str, Any]

GRACE_SECONDS: Final = 10
PLAIN_SERIES_LIMIT_BYTES: Final = 131_072
_USER: Final = 65_532


@dataclass(frozen=True)
class PodDefaults:
    """What the installation says of every loadgen pod."""

    image: str
    image_pull_policy: str
    resources: Json
    starting_seconds: float


def owner_reference(name: str, uid: str) -> Json:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": name,
        "uid": uid,
        "controller": True,
        # True would need the right to set finalizers on LoadTests, and nothing waits for it.
        "blockOwnerDeletion": False,
    }


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


def job(plan: Plan, spec: Spec, defaults: PodDefaults) -> Json:
    """The Indexed Job of a run: the fleet. Nothing in it is ever retried, since a replaced pod must not load."""
    made: Json = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(plan, job_name(plan.name, plan.uid, plan.run_id)),
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
            "template": {
                "metadata": {
                    "labels": {
                        **labels(plan.name, plan.uid, plan.run_id),
                        "sidecar.istio.io/inject": "false",
                    },
                    "annotations": {
                        "sidecar.istio.io/inject": "false",
                        "linkerd.io/inject": "disabled",
                        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                    },
                },
                "spec": _pod_spec(plan, spec, defaults),
            },
        },
    }
    if spec.ttl_seconds_after_finished is not None:
        made["spec"]["ttlSecondsAfterFinished"] = spec.ttl_seconds_after_finished
    return made


def results(plan: Plan, summary: bytes, time_series: str) -> Json:
    """The ConfigMap of a run's results: the summary in plain, the time series compressed where it is long."""
    made: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(plan, results_name(plan.name, plan.uid, plan.run_id)),
        "data": {"summary.json": summary.decode()},
    }
    series = time_series.encode()
    if len(series) <= PLAIN_SERIES_LIMIT_BYTES:
        made["data"]["time_series.csv"] = time_series
    else:
        packed = gzip.compress(series, mtime=0)
        made["binaryData"] = {"time_series.csv.gz": base64.b64encode(packed).decode()}
    return made


def _metadata(plan: Plan, name: str) -> Json:
    return {
        "name": name,
        "namespace": plan.namespace,
        "labels": labels(plan.name, plan.uid, plan.run_id),
        "ownerReferences": [owner_reference(plan.name, plan.uid)],
    }


def _pod_spec(plan: Plan, spec: Spec, defaults: PodDefaults) -> Json:
    chosen = spec.pod
    made: Json = {
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
        "volumes": [{"name": "tmp", "emptyDir": {}}, *(mounted.volume for mounted in mounts(spec.target))],
    }
    if chosen.node_selector:
        made["nodeSelector"] = chosen.node_selector
    if chosen.tolerations:
        made["tolerations"] = [_without_none(msgspec.to_builtins(toleration)) for toleration in chosen.tolerations]
    if chosen.priority_class_name:
        made["priorityClassName"] = chosen.priority_class_name
    if chosen.image_pull_secrets:
        made["imagePullSecrets"] = [{"name": secret.name} for secret in chosen.image_pull_secrets]
    return made


def _container(plan: Plan, spec: Spec, defaults: PodDefaults) -> Json:
    resources = spec.pod.resources
    return {
        "name": CONTAINER,
        "image": defaults.image,
        "imagePullPolicy": defaults.image_pull_policy,
        "command": ["loadgen", "pod"],
        "env": [
            {"name": PLAN_VARIABLE, "value": msgspec.json.encode(plan, order="deterministic").decode()},
            _field("POD_IP", "status.podIP"),
            _field("POD_UID", "metadata.uid"),
            _field("POD_NAME", "metadata.name"),
        ],
        "ports": [{"name": "control", "containerPort": CONTROL_PORT}],
        "resources": _without_none(msgspec.to_builtins(resources)) if resources else defaults.resources,
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
            *(mounted.mount for mounted in mounts(spec.target)),
        ],
    }


def _field(name: str, path: str) -> Json:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _without_none(made: Json) -> Json:
    return {key: value for key, value in made.items() if value is not None}
