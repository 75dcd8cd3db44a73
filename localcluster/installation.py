"""The operator and the example target, installed from the manifests that any cluster gets."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loadtest_operator.facts.secret_access import IN_FORCE_AFTER
from localcluster.choice import ClusterKind, cluster_kind
from localcluster.cluster import Cluster
from localcluster.rest import Json, Rest, RestError, documents, wait_for

REPOSITORY = Path(__file__).resolve().parents[1]
OPERATOR_MANIFEST = REPOSITORY / "charts" / "install.yaml"
TARGET_MANIFEST = REPOSITORY / "examples" / "django_target" / "manifests.yaml"
OPERATOR_NAMESPACE = "loadtest-system"
OPERATOR = "loadtest-operator"
TARGET = "clients"
TARGETS = "loadtest-operator-targets"
READY_SECONDS = 60.0
PAGES_PORT = 8082
POLICY_BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"

# Pods of the local cluster live on loopback addresses, which are never targets elsewhere.
LOCAL_SETTINGS = {"LOADTEST_ALLOW_LOOPBACK": "true"}


def install_operator(
    rest: Rest, settings: dict[str, str] | None = None, hosts: Sequence[str] = (), *, has_pages: bool = False
) -> None:
    """Apply the CRD and the operator's manifests.

    `settings` are environment variables of the operator; `hosts` may be targets beside the cluster's Services. With
    `has_pages` it serves its live pages, for which it may read results.
    """
    own_settings = LOCAL_SETTINGS if cluster_kind() is ClusterKind.LOCAL else {}
    if has_pages:
        own_settings = {**own_settings, "LOADTEST_UI_PORT": str(PAGES_PORT)}
    for document in documents(OPERATOR_MANIFEST):
        if document["kind"] == "Deployment":
            _set_environment(document, {**own_settings, **(settings or {})})
        elif has_pages and (document["kind"], document["metadata"]["name"]) == ("ClusterRole", OPERATOR):
            for rule in document["rules"]:
                rule["verbs"] = [*rule["verbs"], "get"] if rule["resources"] == ["configmaps"] else rule["verbs"]
        elif (document["kind"], document["metadata"]["name"]) == ("ConfigMap", TARGETS):
            document["data"]["targets"] = "\n".join([document["data"]["targets"], *hosts])
        rest.apply(document, OPERATOR_NAMESPACE)


def install_target(rest: Rest, namespace: str = "default") -> None:
    """Apply the example target's manifests."""
    for document in documents(TARGET_MANIFEST):
        rest.apply(document, namespace)


def wait_until_available(rest: Rest, namespace: str, deployment: str) -> None:
    """Wait for a Deployment's pods; raise TimeoutError with what they wait for."""
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{deployment}"

    def is_available() -> bool:
        return bool(rest.call("GET", path).get("status", {}).get("availableReplicas"))

    try:
        wait_for(f"Deployment {namespace}/{deployment}", is_available, READY_SECONDS)
    except TimeoutError as error:
        raise TimeoutError(f"{error}: {_why_not_ready(rest, namespace)}") from None


def wait_until_served(rest: Rest, path: str = "/apis/x-load-test.dev/v1alpha1/loadtests") -> None:
    """Wait until the API server serves and lists a resource: for a moment after its CRD was made it does not.

    The list, by which objects are applied, may come later than the resource.
    """
    version, _, plural = path.rpartition("/")

    def is_served() -> bool:
        try:
            rest.call("GET", path)
            return any(resource["name"] == plural for resource in rest.call("GET", version)["resources"])
        except RestError:
            return False

    wait_for(f"{path} to be served", is_served, READY_SECONDS)


def wait_until_in_force(rest: Rest) -> None:
    """Wait until the admission policies hold, since a test that names Secrets and is made before that is refused."""

    def is_in_force() -> bool:
        bindings = rest.items(POLICY_BINDINGS, "app.kubernetes.io/name=loadtest-operator")
        # Times of creation have whole seconds.
        times = [datetime.fromisoformat(binding["metadata"]["creationTimestamp"]) for binding in bindings]
        return bool(times) and datetime.now(UTC) > max(times) + IN_FORCE_AFTER + timedelta(seconds=1)

    wait_for("the admission policies to be in force", is_in_force, READY_SECONDS)


def stored_rows(cluster: Cluster, rest: Rest, namespace: str = "default", target: str = TARGET) -> int:
    """How many rows the example target's database holds, as the target itself says."""
    pods = rest.items(f"/api/v1/namespaces/{namespace}/pods", f"app.kubernetes.io/name={target}")
    pod = next(pod for pod in pods if _is_ready(pod))
    status, answer = cluster.ask(pod, 8000, "GET", "/clients/count/")
    if status != 200:
        raise RestError(status, "", f"{target} does not say how many rows it holds: {answer[:200]!r}")
    return int(json.loads(answer)["count"])


def install_everything(rest: Rest, report: Callable[[str], None]) -> None:
    """Install operator and example target into a fresh cluster and wait for both."""
    report("installing the operator and the example target")
    install_operator(rest, has_pages=has_pages_here())
    install_target(rest)
    wait_until_served(rest)
    report("waiting for the example target")
    wait_until_available(rest, "default", TARGET)
    report("waiting for the operator")
    wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
    wait_until_in_force(rest)


def install_for_own_target(rest: Rest, host: str, report: Callable[[str], None]) -> None:
    """Install the operator into a fresh cluster, for a target at this host, and wait for it."""
    report("installing the operator")
    install_operator(rest, hosts=[host], has_pages=has_pages_here())
    wait_until_served(rest)
    report("waiting for the operator")
    wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
    wait_until_in_force(rest)


def has_pages_here() -> bool:
    """Whether the cluster is one whose pods this machine reaches, so that their pages can be opened at once."""
    return cluster_kind() is ClusterKind.LOCAL


def address_of_pages(rest: Rest) -> str:
    """Where the operator's live pages are."""
    pods = rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", f"app.kubernetes.io/name={OPERATOR}")
    return f"http://{next(pod for pod in pods if _is_ready(pod))['status']['podIP']}:{PAGES_PORT}/"


def _set_environment(deployment: Json, settings: dict[str, str]) -> None:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    other_variables = [variable for variable in container.get("env", []) if variable["name"] not in settings]
    container["env"] = [*other_variables, *({"name": name, "value": value} for name, value in settings.items())]


def _is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _why_not_ready(rest: Rest, namespace: str) -> str:
    states = [
        f"{pod['metadata']['name']}: {json.dumps(status.get('state', {}))}"
        for pod in rest.items(f"/api/v1/namespaces/{namespace}/pods")
        for status in pod.get("status", {}).get("containerStatuses", [])
    ]
    return "; ".join(states) or "no pod was made"
