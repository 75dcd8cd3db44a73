"""The operator as the API server knows it: a token like its own, bound to its running pod."""

from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE
from localcluster.rest import Rest


def as_operator(rest: Rest) -> Rest:
    """Requests with the identity of the operator's pod."""
    selector = f"app.kubernetes.io/name={OPERATOR}"
    pods = rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", selector)
    (pod,) = [pod["metadata"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    pod_reference = {"apiVersion": "v1", "kind": "Pod", "name": pod["name"], "uid": pod["uid"]}
    answer = rest.call(
        "POST",
        f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/serviceaccounts/{OPERATOR}/token",
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"boundObjectRef": pod_reference}},
    )
    return rest.with_token(answer["status"]["token"])
