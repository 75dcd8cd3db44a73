"""How the loadgen pods are scheduled: a closed list, since whoever writes a pod's spec may run anything."""

from typing import Annotated, Literal

from msgspec import Meta

from loadtest_model.spec.parts import LocalReference, Name, Quantity
from loadtest_model.values import Value


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


class Resources(Value, frozen=True, kw_only=True):
    requests: (
        Annotated[dict[Name, Quantity], Meta(max_length=8, description="What is reserved, such as cpu: 500m.")] | None
    ) = None
    limits: (
        Annotated[dict[Name, Quantity], Meta(max_length=8, description="What is at most given, such as memory: 256Mi.")]
        | None
    ) = None


class Pod(Value, frozen=True, kw_only=True):
    resources: Annotated[
        Resources | None, Meta(description="Resources of the loadgen container. Default: the installation's.")
    ] = None
    node_selector: (
        Annotated[
            dict[Name, Annotated[str, Meta(max_length=63)]],
            Meta(max_length=16, description="Labels of the nodes that may run the pods."),
        ]
        | None
    ) = None
    tolerations: (
        Annotated[list[Toleration], Meta(max_length=16, description="Taints that the pods tolerate.")] | None
    ) = None
    priority_class_name: Annotated[Name, Meta(description="Priority class of the pods.")] | None = None
    image_pull_secrets: (
        Annotated[list[LocalReference], Meta(max_length=8, description="Secrets for pulling the image.")] | None
    ) = None
