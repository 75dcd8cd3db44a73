"""The operator as the API server knows it: its own token, taken from its running pod."""

from pathlib import Path

from localcluster.cluster import LocalCluster
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE
from localcluster.rest import Rest

# Not under /var/run, which is a link whose absolute goal would be looked for outside of the pod.
_TOKEN = "run/secrets/kubernetes.io/serviceaccount/token"


def as_operator(cluster: LocalCluster, rest: Rest) -> Rest:
    """Requests with the token that the operator itself uses."""
    selector = f"app.kubernetes.io/name={OPERATOR}"
    pods = rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", selector)
    (name,) = [pod["metadata"]["name"] for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    process = cluster.pod_processes(OPERATOR_NAMESPACE, name)["operator"]
    return rest.with_token(Path(f"/proc/{process}/root/{_TOKEN}").read_text().strip())
