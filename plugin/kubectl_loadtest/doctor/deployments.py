"""The operators of a cluster, by their Deployments."""

from typing import Any

Json = dict[str, Any]


def watches(deployment: Json, namespace: str) -> bool:
    """Whether an operator runs the tests of a namespace."""
    namespaces = environment_of(deployment).get("LOADTEST_WATCH_NAMESPACES", "")
    return not namespaces or namespace in namespaces.split(",")


def environment_of(deployment: Json) -> dict[str, str]:
    """The variables of an operator that have a value of their own."""
    return {
        variable["name"]: variable.get("value", "")
        for container in deployment["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env") or ()
    }


def name_of(deployment: Json) -> str:
    """A Deployment with its namespace."""
    return f"{deployment['metadata']['namespace']}/{deployment['metadata']['name']}"
