"""What every object that the operator makes in a test's namespace has in common."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import inspect

from loadtest_model.plan import Plan
from loadtest_model.spec import API_VERSION, KIND, Spec
from loadtest_operator.facts.names import labels
from loadtest_operator.manifests.injection import MESH_SWITCHES

Json = dict[str, Any]

NO_LABELS: Final[Mapping[str, str]] = MappingProxyType({})


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


def chosen_labels(spec: Spec | None) -> dict[str, str]:
    """The labels that a test chose for its pods and that its other objects bear as well.

    An admission policy that asks for a label, such as a cost centre's, asks for it on every object. The switches of
    meshes are for pods alone.
    """
    labels_of_pods = (spec.pod.labels if spec else None) or {}
    return {key: value for key, value in labels_of_pods.items() if key not in MESH_SWITCHES}


def metadata(plan: Plan, name: str, chosen: Mapping[str, str] = NO_LABELS) -> Json:
    """The metadata of an object of a run. The operator's own labels outweigh those that the test chose."""
    return {
        "name": name,
        "namespace": plan.namespace,
        "labels": {**chosen, **labels(plan.name, plan.uid, plan.run_id)},
        "ownerReferences": [owner_reference(plan.name, plan.uid)],
    }


def without_nulls(document: Any) -> Any:
    """JSON without the members that are null: in a resource, absent and null mean the same."""
    if isinstance(document, dict):
        return {key: without_nulls(value) for key, value in document.items() if value is not None}
    return [without_nulls(value) for value in document] if isinstance(document, list | tuple) else document


def with_nulls(document: Any, kind: inspect.Type) -> Any:
    """JSON with a null for each member that its type demands and that `without_nulls` took away."""
    match kind:
        case inspect.UnionType():
            return document if document is None else with_nulls(document, _without_none(kind))
        case inspect.StructType() if isinstance(document, dict):
            types = {field.encode_name: field.type for field in kind.fields}
            absent = {field.encode_name: None for field in kind.fields if field.required and _may_be_null(field.type)}
            known = {key: with_nulls(value, types[key]) for key, value in document.items() if key in types}
            return {**absent, **known}
        case inspect.DictType() if isinstance(document, dict):
            return {key: with_nulls(value, kind.value_type) for key, value in document.items()}
        case inspect.VarTupleType() if isinstance(document, list):
            return [with_nulls(value, kind.item_type) for value in document]
        case inspect.Metadata():
            return with_nulls(document, kind.type)
        case _:
            return document


def _without_none(union: inspect.UnionType) -> inspect.Type:
    return next(each for each in union.types if not isinstance(each, inspect.NoneType))


def _may_be_null(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.Metadata):
        return _may_be_null(kind.type)
    return isinstance(kind, inspect.UnionType) and any(isinstance(each, inspect.NoneType) for each in kind.types)
