"""Where the scheduler may, and would rather, place the loadgen pods: Kubernetes' own affinity, bounded.

What is left out of Kubernetes' type (`matchLabelKeys`, `mismatchLabelKeys`) is refused as an unknown field.
"""

from typing import Annotated, Literal

from msgspec import Meta

from loadtest_model.spec.parts import Name
from loadtest_model.values import Value

LabelValue = Annotated[str, Meta(max_length=63)]
Weight = Annotated[int, Meta(ge=1, le=100, description="How much it counts beside the others, 1 to 100.")]


class NodeRequirement(Value, frozen=True, kw_only=True):
    key: Annotated[Name, Meta(description="Label of a node; in matchFields, metadata.name.")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"], Meta(description="How it is compared.")
    ]
    values: Annotated[
        list[LabelValue], Meta(max_length=16, description="Values to compare with; one number for Gt and Lt.")
    ] = []


class NodeTerm(Value, frozen=True, kw_only=True):
    match_expressions: Annotated[
        list[NodeRequirement], Meta(max_length=8, description="All must hold of the node's labels.")
    ] = []
    match_fields: Annotated[
        list[NodeRequirement], Meta(max_length=4, description="All must hold of the node's fields.")
    ] = []


class NodeTerms(Value, frozen=True, kw_only=True):
    node_selector_terms: Annotated[
        list[NodeTerm], Meta(min_length=1, max_length=8, description="One of them must hold.")
    ]


class PreferredNodes(Value, frozen=True, kw_only=True):
    weight: Weight
    preference: Annotated[NodeTerm, Meta(description="Nodes that are preferred.")]


class NodeAffinity(Value, frozen=True, kw_only=True):
    required_during_scheduling_ignored_during_execution: Annotated[
        NodeTerms | None, Meta(description="Nodes that alone may run the pods.")
    ] = None
    preferred_during_scheduling_ignored_during_execution: Annotated[
        list[PreferredNodes], Meta(max_length=8, description="Nodes that are preferred.")
    ] = []


class LabelRequirement(Value, frozen=True, kw_only=True):
    key: Annotated[Name, Meta(description="Key of a label.")]
    operator: Annotated[Literal["In", "NotIn", "Exists", "DoesNotExist"], Meta(description="How it is compared.")]
    values: Annotated[list[LabelValue], Meta(max_length=16, description="Values to compare with.")] = []


class LabelSelector(Value, frozen=True, kw_only=True):
    match_labels: Annotated[dict[Name, LabelValue], Meta(max_length=16, description="Labels that must be equal.")] = {}
    match_expressions: Annotated[list[LabelRequirement], Meta(max_length=8, description="All must hold.")] = []


class PodTerm(Value, frozen=True, kw_only=True):
    label_selector: Annotated[LabelSelector | None, Meta(description="The pods that are meant, by their labels.")] = (
        None
    )
    namespaces: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=63)]],
        Meta(max_length=8, description="Namespaces of those pods. Default: the LoadTest's."),
    ] = []
    namespace_selector: Annotated[
        LabelSelector | None, Meta(description="Namespaces of those pods, by their labels.")
    ] = None
    topology_key: Annotated[
        Name, Meta(description="Label of nodes whose equal values mean one place, such as kubernetes.io/hostname.")
    ]


class PreferredPods(Value, frozen=True, kw_only=True):
    weight: Weight
    pod_affinity_term: Annotated[PodTerm, Meta(description="The pods that are meant.")]


class PodAffinity(Value, frozen=True, kw_only=True):
    required_during_scheduling_ignored_during_execution: Annotated[
        list[PodTerm], Meta(max_length=8, description="What must hold of a node for a pod to be placed there.")
    ] = []
    preferred_during_scheduling_ignored_during_execution: Annotated[
        list[PreferredPods], Meta(max_length=8, description="What is preferred.")
    ] = []


class Affinity(Value, frozen=True, kw_only=True):
    node_affinity: Annotated[NodeAffinity | None, Meta(description="Which nodes.")] = None
    pod_affinity: Annotated[PodAffinity | None, Meta(description="Beside which pods.")] = None
    pod_anti_affinity: Annotated[
        PodAffinity | None, Meta(description="Away from which pods; the target's are added as a preference.")
    ] = None
