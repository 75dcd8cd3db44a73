"""Using LoadTests in tests: namespaces, targets, running a test to its end, and what the target itself counted."""

import copy
import itertools
import json
import re
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from client_files import client, csv_file
from loadtest_model.report.references import resolve
from localcluster.choice import ClusterKind, cluster_kind
from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE, TARGET_MANIFEST, wait_until_available
from localcluster.rest import Json, Rest, documents, wait_for
from localcluster.supervisor_process import ClusterError

PATH = "/apis/x-load-test.dev/v1alpha1/namespaces/{namespace}/loadtests"
END_SECONDS = 120.0
FAULTY_TARGET_IMAGE = "django-target:test"
_VARIABLES = {"ALLOWED_HOSTS": "*", "FAULT_LEDGER": "/var/lib/clients/ledger", "LOAD_TEST_GUARD": "off"}
STORED_ROW = client(client_id="KNOWN-TO-EXIST", email="known@example.com")


@dataclass(frozen=True)
class Namespace:
    """A namespace of a test's own."""

    cluster: Cluster
    rest: Rest
    name: str

    def deploy(self, name: str = "clients", **environment: str) -> None:
        """Make the example target, or its faulty variant where FAULT is given, under a Service name; do not wait.

        Without LOAD_TEST_GUARD it has no guard, so that tests of the operator do not wait for the database.
        """
        for document in documents(TARGET_MANIFEST):
            self.rest.apply(_target_manifest(document, name, environment), self.name)

    def deploy_slow(self) -> None:
        """A sound target that takes most of a second for each upload.

        Its response times bear the delays of a machine that is busy with other things; those of a quick target would
        not, and the generator would rightly call its own numbers doubtful.
        """
        self.deploy(FAULT="slow", FAULT_SECONDS="0.8", WEB_CONCURRENCY="4")

    def until_available(self, *names: str) -> None:
        for name in names:
            wait_until_available(self.rest, self.name, name)

    def scale(self, name: str, replicas: int) -> None:
        """Have a target in so many ready pods, which a rollout replaces one by one."""
        strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
        self.change_deployment(name, {"replicas": replicas, "strategy": strategy})

        def is_ready() -> bool:
            status = self.rest.call("GET", self.deployment(name)).get("status", {})
            return bool(status.get("readyReplicas", 0) == replicas)

        wait_for(f"{replicas} ready pods of {self.name}/{name}", is_ready, 60)

    def until_rolled_out(self, name: str) -> None:
        """Wait until a target's last change has reached all its pods."""

        def has_rolled_out() -> bool:
            deployment = self.rest.call("GET", self.deployment(name))
            status, replicas = deployment["status"], deployment["spec"]["replicas"]
            is_observed = status.get("observedGeneration") == deployment["metadata"]["generation"]
            counts = {status.get(count, 0) for count in ("replicas", "updatedReplicas", "readyReplicas")}
            return bool(is_observed and counts == {replicas})

        wait_for(f"all pods of {self.name}/{name} to be of its last revision", has_rolled_out, 90)

    def roll_out(self, name: str) -> None:
        """Replace a Deployment's pods, as `kubectl rollout restart` does."""
        annotations = {"kubectl.kubernetes.io/restartedAt": uuid.uuid4().hex}
        self.change_deployment(name, {"template": {"metadata": {"annotations": annotations}}})

    def set_pre_stop(self, name: str, seconds: int) -> None:
        """Have a target's pods wait so long before they stop, once they have been told to."""
        hook = {"preStop": {"sleep": {"seconds": seconds}}}
        self._change_container(name, lambda container: {**container, "lifecycle": hook})

    def set_readiness_delay(self, name: str, seconds: int) -> None:
        """Have a target's containers be ready no sooner after they began."""
        delay = {"initialDelaySeconds": seconds}
        self._change_container(
            name, lambda container: {**container, "readinessProbe": container["readinessProbe"] | delay}
        )

    def _change_container(self, name: str, changed: Callable[[Json], Json]) -> None:
        (container,) = self.rest.call("GET", self.deployment(name))["spec"]["template"]["spec"]["containers"]
        self.change_deployment(name, {"template": {"spec": {"containers": [changed(container)]}}})

    def evict(self, pod: Json) -> None:
        """Take a pod away as `kubectl drain` does."""
        metadata = {"name": pod["metadata"]["name"], "namespace": self.name}
        path = f"/api/v1/namespaces/{self.name}/pods/{metadata['name']}/eviction"
        self.rest.call("POST", path, {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})

    def change_deployment(self, name: str, spec: Json) -> None:
        self.rest.call("PATCH", self.deployment(name), {"spec": spec}, content_type="application/merge-patch+json")

    def deployment(self, name: str) -> str:
        return f"/apis/apps/v1/namespaces/{self.name}/deployments/{name}"

    def add_to_service(self, pod: Json, name: str) -> None:
        """Give a pod the label by which a target's Service selects."""
        path = f"/api/v1/namespaces/{self.name}/pods/{pod['metadata']['name']}"
        label = {"metadata": {"labels": {"app.kubernetes.io/name": name}}}
        self.rest.call("PATCH", path, label, content_type="application/merge-patch+json")

    def manifest(self, name: str = "light", **spec: Any) -> Json:
        """A LoadTest of five seconds with small batches, and what `spec` says over it."""
        return {
            "apiVersion": "x-load-test.dev/v1alpha1",
            "kind": "LoadTest",
            "metadata": {"name": name, "namespace": self.name},
            "spec": {
                "target": {"url": "http://clients:8000/clients/upload/process/", "timeout": "20s"},
                "scenario": "custom",
                "load": {"batchSize": 500, "virtualUsers": 2, "duration": "5s"},
                "parallelism": 2,
                **spec,
            },
        }

    def apply(self, manifest: Json) -> "Test":
        load_test = self.rest.apply(manifest)
        return Test(self.cluster, self.rest, self.name, load_test["metadata"]["name"], load_test["metadata"]["uid"])

    def start(self, name: str = "light", **spec: Any) -> "Test":
        return self.apply(self.manifest(name, **spec))

    def ledger(self, deployment: str = "clients", *, load_test: bool = True) -> list[int]:
        """The rows of each upload that the target itself logged as answered with 200."""
        text = "".join(self.cluster.logs(self.name, pod["metadata"]["name"]) for pod in self.pods(deployment))
        flag = str(load_test).lower()
        return [int(rows) for rows in re.findall(rf"upload load_test={flag} rows=(\d+) status=200", text)]

    def logged_uploads(self, deployment: str) -> list[Json]:
        """The X- headers and form fields of each upload that a target with the fault `notes` wrote to its log."""
        text = "".join(self.cluster.logs(self.name, pod["metadata"]["name"]) for pod in self.pods(deployment))
        return [json.loads(line) for line in re.findall(r"^noted (.*)$", text, re.MULTILINE)]

    def pods(self, deployment: str = "clients") -> list[Json]:
        return self.rest.items(f"/api/v1/namespaces/{self.name}/pods", f"app.kubernetes.io/name={deployment}")


@dataclass(frozen=True)
class Test:
    """One LoadTest."""

    __test__ = False

    cluster: Cluster
    rest: Rest
    namespace: str
    name: str
    uid: str

    @property
    def path(self) -> str:
        return f"{PATH.format(namespace=self.namespace)}/{self.name}"

    def get(self) -> Json:
        return self.rest.call("GET", self.path)

    @property
    def status(self) -> Json:
        status: Json = self.get().get("status") or {}
        return status

    def patch(self, **spec: Any) -> None:
        self.rest.call("PATCH", self.path, {"spec": spec}, content_type="application/merge-patch+json")

    def until(self, what: str, condition_holds: Callable[[Json], object], seconds: float = END_SECONDS) -> Json:
        """Wait until the status fulfils a condition, and return it."""

        def look() -> Json | None:
            status = self.status
            return status if condition_holds(status) else None

        try:
            return wait_for(f"{self.namespace}/{self.name}: {what}", look, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; its status is {self.status}") from None

    def until_completed(self, seconds: float = END_SECONDS) -> Json:
        return self.until("completed", lambda status: condition(status, "Completed") == "True", seconds)

    def until_running(self) -> Json:
        """Wait until load is under way, and measured."""
        return self.until("running", lambda status: (status.get("progress") or {}).get("recordsConfirmed", 0) > 0, 60.0)

    def pods(self) -> list[Json]:
        return self.rest.items(f"/api/v1/namespaces/{self.namespace}/pods", f"x-load-test.dev/uid={self.uid}")

    def results(self, status: Json) -> Json:
        """The summary in the results of a test that has ended."""
        name = status["results"]["configMap"]
        config_map = self.rest.call("GET", f"/api/v1/namespaces/{self.namespace}/configmaps/{name}")
        summary: Json = json.loads(config_map["data"]["summary.json"])
        return summary

    def children(self) -> list[str]:
        """What exists in the cluster because of this test."""
        collections = (f"/apis/batch/v1/namespaces/{self.namespace}/jobs", f"/api/v1/namespaces/{self.namespace}/pods")
        maps = f"/api/v1/namespaces/{self.namespace}/configmaps"
        return [
            f"{path.rsplit('/', 1)[1]}/{item['metadata']['name']}"
            for path in (*collections, maps)
            for item in self.rest.items(path, f"x-load-test.dev/uid={self.uid}")
        ]

    def events(self) -> list[Json]:
        events = self.rest.items(f"/api/v1/namespaces/{self.namespace}/events")
        return [event for event in events if event["involvedObject"].get("uid") == self.uid]


def condition(status: Json, kind: str) -> str | None:
    """The status of a condition, None where it is not set."""
    return next((c["status"] for c in status.get("conditions", ()) if c["type"] == kind), None)


def reason(status: Json, kind: str) -> str | None:
    return next((c["reason"] for c in status.get("conditions", ()) if c["type"] == kind), None)


def message(status: Json, kind: str) -> str:
    text: str = next((c["message"] for c in status.get("conditions", ()) if c["type"] == kind), "")
    return resolve(text, status.get("message", ""))


def kill_operator(cluster: Cluster, rest: Rest) -> None:
    for pod in rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", "app.kubernetes.io/name=loadtest-operator"):
        try:
            cluster.kill(OPERATOR_NAMESPACE, pod["metadata"]["name"])
        except ClusterError:
            # It is dead already, and waits to be started again.
            continue


def store_one_row(namespace: Namespace, name: str) -> None:
    """Upload one client as a user would, so that it is stored."""
    boundary = secrets.token_hex(16)
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="c.csv"\r\n\r\n'
    body = head.encode() + csv_file([STORED_ROW]) + f"\r\n--{boundary}--\r\n".encode()
    assert (
        ask(namespace, name, "POST", "/clients/upload/process/", body, f"multipart/form-data; boundary={boundary}")[0]
        == 200
    )


def limit_pods(namespace: Namespace, pods: int, used: int) -> None:
    """Give a namespace a quota of so many pods, of which so many exist.

    The local cluster does without the controller that counts, and is told what it would say.
    """
    hard = {"pods": str(pods)}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "pods"}, "spec": {"hard": hard}}
    namespace.rest.apply(quota, namespace.name)
    path = f"/api/v1/namespaces/{namespace.name}/resourcequotas/pods"
    counted = {"hard": hard, "used": {"pods": str(used)}}
    if cluster_kind() is ClusterKind.LOCAL:
        namespace.rest.call("PATCH", f"{path}/status", {"status": counted}, content_type="application/merge-patch+json")
        return
    wait_for("the quota to be counted", lambda: namespace.rest.call("GET", path).get("status") == counted, 30)


def ask(
    namespace: Namespace, name: str, method: str, path: str, body: bytes = b"", content_type: str = "text/plain"
) -> tuple[int, bytes]:
    (pod,) = namespace.pods(name)
    return namespace.cluster.ask(pod, 8000, method, path, body, content_type)


_numbers = itertools.count(1)


def make_namespace(cluster: Cluster, rest: Rest, prefix: str) -> Namespace:
    name = f"{re.sub(r'[^a-z0-9]+', '-', prefix.lower())[:30].strip('-')}-{next(_numbers)}-{uuid.uuid4().hex[:4]}"
    rest.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
    wait_for(f"the default service account of {name}", lambda: rest.get_or_none(account), 30)
    return Namespace(cluster, rest, name)


def _target_manifest(document: Json, name: str, environment: dict[str, str]) -> Json:
    """The example's manifest under another name, with variables of its own, and its faulty variant on demand."""
    manifest: Json = copy.deepcopy(document)
    manifest["metadata"]["name"] = name
    labels = {"app.kubernetes.io/name": name}
    if manifest["kind"] == "Service":
        manifest["spec"]["selector"] = labels
        return manifest
    manifest["spec"]["selector"]["matchLabels"] = labels
    manifest["spec"]["template"]["metadata"]["labels"] = labels
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    # A target listens a second or two after its container has begun, and tests wait for many of them.
    container["readinessProbe"]["periodSeconds"] = 1
    variables = {**_VARIABLES, **environment}
    if cluster_kind() is ClusterKind.LOCAL:
        variables["PYTHONPATH"] = str(TARGET_MANIFEST.parents[2] / "tests" / "targets")
    else:
        container["image"] = FAULTY_TARGET_IMAGE
        # Many of them share a node with little room.
        container["resources"]["requests"] = {"cpu": "20m", "memory": "64Mi"}
    if "FAULT" in environment:
        container["command"] = [*container["command"][:-1], "faulty_target.wsgi"]
    other_variables = [variable for variable in container["env"] if variable["name"] not in variables]
    container["env"] = [*other_variables, *({"name": key, "value": value} for key, value in variables.items())]
    return manifest


def reasons(status: Json) -> list[str]:
    """What decided the verdict, whole: a reason may refer to the message."""
    return [resolve(text, status.get("message", "")) for text in status["reasons"]]
