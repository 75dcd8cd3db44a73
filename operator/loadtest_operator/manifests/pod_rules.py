"""What this installation does not let a test say of its pods: some labels and annotations, and some addresses."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from loadtest_model.plan import AddressPolicy, PlanError
from loadtest_model.reasons import Reason
from loadtest_model.spec import GROUP
from loadtest_model.spec.pod import HostAlias, Mesh, Pod
from loadtest_operator.facts.names import MANAGED_BY_LABEL
from loadtest_operator.manifests.injection import MESH_CONTROL, MESH_SWITCHES, OTHERS_OFF
from loadtest_operator.manifests.placement import NOT_TO_BE_MOVED
from loadtest_operator.policy.target_policy import denial_reason

_OURS: Final = frozenset(
    {MANAGED_BY_LABEL, "job-name", "controller-uid"}.union(
        *({*marks.labels, *marks.annotations} for marks in (MESH_CONTROL, OTHERS_OFF, NOT_TO_BE_MOVED))
    )
)
_OUR_PREFIXES: Final = (f"{GROUP}/", "batch.kubernetes.io/")
_KEY: Final = re.compile(
    r"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


def refuse_pod(pod: Pod, allowed_prefixes: tuple[str, ...], network: AddressPolicy) -> None:
    """Raise PlanError for the first thing that is not allowed, naming the field, the value and what to do."""
    for path, entries in (("spec.pod.labels", pod.labels or {}), ("spec.pod.annotations", pod.annotations or {})):
        for key in entries:
            _refuse_key(path, key, pod.mesh == Mesh.ENABLED, allowed_prefixes)
    _refuse_aliases(pod.host_aliases or (), network)


def _refuse_key(path: str, key: str, meshed: bool, allowed_prefixes: tuple[str, ...]) -> None:
    reason = Reason.PodLabelRefused if path.endswith("labels") else Reason.PodAnnotationRefused
    entry = f"{path} has {key!r}"
    if _KEY.fullmatch(key) is None or len(key) > 317:
        raise PlanError(reason, f"{entry}, which is no valid key; write one such as example.com/team")
    if key in _OURS or key.startswith(_OUR_PREFIXES):
        raise PlanError(reason, f"{entry}, which the operator itself sets on the pods; remove it")
    if key in MESH_SWITCHES:
        if meshed:
            return
        raise PlanError(reason, f"{entry}, which lets a sidecar in; set spec.pod.mesh to Enabled, or remove it")
    if not key.startswith(allowed_prefixes):
        allowed_list = ", ".join(allowed_prefixes) or "none"
        raise PlanError(
            reason,
            f"{entry}, whose prefix the installation does not allow (allowed: {allowed_list}); have it added to the"
            " chart's value pods.allowedPrefixes, or remove it",
        )


def _refuse_aliases(aliases: Iterable[HostAlias], network: AddressPolicy) -> None:
    for number, alias in enumerate(aliases):
        why = denial_reason(ipaddress.ip_address(alias.ip), network)
        if why:
            raise PlanError(Reason.HostAliasRefused, f"spec.pod.hostAliases[{number}].ip is {alias.ip}, {why}")
