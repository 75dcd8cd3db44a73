"""What every object that the operator makes in a test's namespace has in common."""

from typing import Any

from loadtest_model.plan import Plan
from loadtest_model.spec import API_VERSION, KIND
from loadtest_operator.facts.names import labels

Json = dict[str, Any]


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


def metadata(plan: Plan, name: str) -> Json:
    return {
        "name": name,
        "namespace": plan.namespace,
        "labels": labels(plan.name, plan.uid, plan.run_id),
        "ownerReferences": [owner_reference(plan.name, plan.uid)],
    }


def without_nulls(document: Any) -> Any:
    """JSON without the members that are null: in a resource, absent and null mean the same."""
    if isinstance(document, dict):
        return {key: without_nulls(value) for key, value in document.items() if value is not None}
    return [without_nulls(value) for value in document] if isinstance(document, list | tuple) else document
