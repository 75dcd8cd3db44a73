"""The spec of a loadgen pod."""

from dataclasses import dataclass
from typing import Final

import msgspec

from loadtest_model.commands import CONTROL_PORT
from loadtest_model.plan import Plan
from loadtest_model.spec import Spec
from loadtest_operator.manifests.common import Json
from loadtest_operator.mounts import mounts
from loadtest_operator.names import CONTAINER
from loadtest_operator.resources import PLAN_VARIABLE

GRACE_SECONDS: Final = 10
_USER: Final = 65_532


@dataclass(frozen=True)
class PodDefaults:
    """What the installation says of every loadgen pod."""

    image: str
    image_pull_policy: str
    resources: Json
    starting_seconds: float


def pod_spec(plan: Plan, spec: Spec, defaults: PodDefaults) -> Json:
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
