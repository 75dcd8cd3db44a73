"""Installing the operator anew, with other settings."""

from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, install_operator, wait_until_available
from localcluster.rest import Json, Rest, wait_for


def reinstall(rest: Rest, **settings: str) -> None:
    """Give the operator other settings, and wait until the old one is gone and the new one ready."""
    old = {pod["metadata"]["uid"] for pod in operators(rest)}
    install_operator(rest, settings)
    wait_for("the operator to be replaced", lambda: not old & {pod["metadata"]["uid"] for pod in operators(rest)}, 60)
    wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)


def operators(rest: Rest) -> list[Json]:
    return rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", "app.kubernetes.io/name=loadtest-operator")
