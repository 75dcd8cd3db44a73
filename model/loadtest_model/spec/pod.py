"""What a test may say of its loadgen pods: a closed list, since whoever writes a pod's spec may run anything."""

import ipaddress
from enum import StrEnum
from typing import Annotated, Final, Literal

from msgspec import Meta

from loadtest_model.reasons import Reason
from loadtest_model.spec.affinity import Affinity, LabelValue
from loadtest_model.spec.parts import LocalReference, Name
from loadtest_model.spec.resources import RESOURCES_RULES, Resources
from loadtest_model.spec.rules import Rule, rule_annotation
from loadtest_model.values import Value


def _no_operator_keys(path: str, reason: Reason) -> Rule[dict[str, str]]:
    return Rule(
        cel="self.all(k, !k.startsWith('x-load-test.dev/'))",
        message=f"{path} must not have keys under x-load-test.dev/, which the operator itself sets",
        holds=lambda entries: not any(key.startswith("x-load-test.dev/") for key in entries),
        reason=reason,
    )


def _is_ip(text: str) -> bool:
    """Whether a text is an address as the API server takes one: without a zone, and no IPv4 address in IPv6 clothes."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text and getattr(address, "ipv4_mapped", None) is None


VALID_ALIAS_IP: Final = Rule[str](
    cel="isIP(self)",
    message="spec.pod.hostAliases.ip must be an IP address, such as 10.0.0.7",
    holds=_is_ip,
    reason=Reason.HostAliasRefused,
)
NO_SERVICE_NAMES: Final = Rule[list[str]](
    cel="self.all(h, !h.endsWith('.svc') && !h.contains('.svc.'))",
    message="spec.pod.hostAliases.hostnames must not be a Service's names; name the Service itself in the URL",
    holds=lambda names: not any(name.endswith(".svc") or ".svc." in name for name in names),
    reason=Reason.HostAliasRefused,
)


class Mesh(StrEnum):
    """Whether the namespace's mesh may add its proxy to the pods."""

    DISABLED = "Disabled"
    ENABLED = "Enabled"


class Toleration(Value, frozen=True, kw_only=True):
    key: (
        Annotated[str, Meta(max_length=317, description="Key of the taint; with Exists it may be left out.")] | None
    ) = None
    operator: Annotated[Literal["Exists", "Equal"], Meta(description="How key and value are compared.")] | None = None
    value: Annotated[str, Meta(max_length=63, description="Value of the taint, for Equal.")] | None = None
    effect: (
        Annotated[
            Literal["NoSchedule", "PreferNoSchedule", "NoExecute"],
            Meta(description="Effect of the taint; all if absent."),
        ]
        | None
    ) = None
    toleration_seconds: Annotated[int, Meta(description="Seconds that a NoExecute taint is borne.")] | None = None


class HostAlias(Value, frozen=True, kw_only=True):
    ip: Annotated[
        str,
        Meta(
            min_length=2,
            max_length=45,
            description="An IPv4 or IPv6 address, which must be one that uploads may go to.",
        ),
        rule_annotation(VALID_ALIAS_IP),
    ]
    hostnames: Annotated[
        list[
            Annotated[
                str, Meta(max_length=253, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\Z")
            ]
        ],
        Meta(
            min_length=1,
            max_length=8,
            description="Names that stand for it in the pods, such as staging.example.com; not a Service's.",
        ),
        rule_annotation(NO_SERVICE_NAMES),
    ]


class Pod(Value, frozen=True, kw_only=True):
    resources: Annotated[
        Resources | None,
        Meta(description="Resources of the loadgen container. Default: the installation's."),
        rule_annotation(*RESOURCES_RULES),
    ] = None
    node_selector: (
        Annotated[
            dict[Name, LabelValue],
            Meta(max_length=16, description="Labels of the nodes that may run the pods."),
        ]
        | None
    ) = None
    tolerations: (
        Annotated[list[Toleration], Meta(max_length=16, description="Taints that the pods tolerate.")] | None
    ) = None
    affinity: Annotated[
        Affinity | None,
        Meta(
            description="Where the pods may, and would rather, run. Beside it they are spread over the nodes and kept"
            " away from the target's pods, both as preferences."
        ),
    ] = None
    priority_class_name: Annotated[Name, Meta(description="Priority class of the pods.")] | None = None
    image_pull_secrets: (
        Annotated[list[LocalReference], Meta(max_length=8, description="Secrets for pulling the image.")] | None
    ) = None
    labels: (
        Annotated[
            dict[Name, Annotated[str, Meta(max_length=63, pattern=r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?\Z")]],
            Meta(
                max_length=16,
                description="Further labels of the pods, each under a prefix that the installation allows"
                " (pods.allowedPrefixes).",
            ),
            rule_annotation(_no_operator_keys("spec.pod.labels", Reason.PodLabelRefused)),
        ]
        | None
    ) = None
    annotations: (
        Annotated[
            dict[Name, Annotated[str, Meta(max_length=4_096)]],
            Meta(
                max_length=16,
                description="Further annotations of the pods, each under a prefix that the installation allows"
                " (pods.allowedPrefixes).",
            ),
            rule_annotation(_no_operator_keys("spec.pod.annotations", Reason.PodAnnotationRefused)),
        ]
        | None
    ) = None
    host_aliases: (
        Annotated[
            list[HostAlias],
            Meta(
                max_length=8,
                description="What names resolve to within the pods, instead of asking DNS. Default: DNS alone.",
            ),
        ]
        | None
    ) = None
    mesh: Annotated[
        Mesh,
        Meta(
            description="Disabled: sidecars are kept out of the pods, so that what they send is what the target gets."
            " Enabled: the namespace's mesh may add its proxy, which may send an upload more than once; then the"
            " status says what that means for the numbers."
        ),
    ] = Mesh.DISABLED
