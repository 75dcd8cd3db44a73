"""The operator's program from its first line to its end, as a container starts it: a user that nobody knows, and in its
environment what the chart sets; on a cluster where the CustomResourceDefinition comes and goes."""

import http.client
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from localcluster.cluster import LocalCluster, local_cluster
from localcluster.installation import OPERATOR_MANIFEST, OPERATOR_NAMESPACE, wait_until_served
from localcluster.rest import Json, Rest, wait_for
from support.isolation import unknown_user_prefix
from support.loadtests import make_namespace
from support.loopback import free_address
from support.manifest_tools import only_object

PORT = 8080
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/loadtests.x-load-test.dev"
LOADTESTS = "/apis/x-load-test.dev/v1alpha1/namespaces/default/loadtests"
PATIENCE_SECONDS = 60
GRACE_SECONDS = 15
LOAD = {"batchSize": 200, "virtualUsers": 2, "duration": "120s"}


def installed() -> list[Json]:
    return [made for made in yaml.safe_load_all(OPERATOR_MANIFEST.read_text()) if made]


def chart_environment() -> dict[str, str]:
    """What the chart sets, with what the API server would put in the place of references."""
    (container,) = only_object("Deployment", installed())["spec"]["template"]["spec"]["containers"]
    referred = {
        "metadata.name": "loadtest-operator-5d8f-x2x",
        "metadata.namespace": OPERATOR_NAMESPACE,
        "targets": only_object("ConfigMap", installed())["data"]["targets"],
    }

    def value(variable: Json) -> str:
        if "valueFrom" not in variable:
            return str(variable.get("value", ""))
        (source,) = variable["valueFrom"].values()
        return str(referred[source.get("fieldPath") or source["key"]])

    return {variable["name"]: value(variable) for variable in container["env"]}


@dataclass(frozen=True)
class Program:
    """The running operator."""

    process: "subprocess.Popen[bytes]"
    address: str
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; 0 while nobody listens."""
        connection = http.client.HTTPConnection(self.address, PORT, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def until_unready(self, reason: str) -> None:
        def unready() -> bool:
            assert self.process.poll() is None, self.log
            status, said = self.get("/readyz")
            return status == 503 and reason in said

        wait_for(f"the operator to say that {reason}", unready, PATIENCE_SECONDS)

    def until_ready(self) -> None:
        def ready() -> bool:
            assert self.process.poll() is None, self.log
            return self.get("/readyz") == (200, "ok")

        wait_for("the operator to be ready", ready, PATIENCE_SECONDS)

    def ended(self) -> int:
        """The exit status after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(GRACE_SECONDS)


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalCluster]:
    with local_cluster() as made:
        Rest.from_kubeconfig(made.kubeconfig).apply(only_object("Namespace", installed()))
        yield made


@pytest.fixture
def bare(shared: LocalCluster) -> LocalCluster:
    """A cluster with the operator's namespace and nothing else of it."""
    rest = Rest.from_kubeconfig(shared.kubeconfig)
    if rest.get_or_none(CRD) is not None:
        rest.delete(CRD)
    wait_for("the CustomResourceDefinition to be gone", lambda: rest.get_or_none(CRD) is None, PATIENCE_SECONDS)
    return shared


@contextmanager
def started(cluster: LocalCluster, folder: Path, **more: str) -> Iterator[Program]:
    address, log_file = free_address(), folder / "log"
    # No service account's files lie where a process of this machine looks for them.
    reached = {"KUBECONFIG": str(cluster.kubeconfig), "LOADTEST_HTTP_HOST": address}
    command = [*unknown_user_prefix(), str(Path(sys.executable).with_name("loadtest-operator")), "run"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, env={**chart_environment(), **reached, **more}, stderr=log)
    try:
        yield Program(process, address, log_file)
    finally:
        process.kill()
        process.wait()


def seen_by_the_operator(rest: Rest, name: str) -> None:
    # The operator is ready as soon as its kind is served, which may be before the API server lists it.
    wait_until_served(rest)
    rest.apply(
        {
            "apiVersion": "x-load-test.dev/v1alpha1",
            "kind": "LoadTest",
            "metadata": {"name": name},
            "spec": {"target": {"url": "http://clients/"}, "scenario": "light", "suspend": True},
        }
    )
    status = f"{LOADTESTS}/{name}"
    wait_for(
        f"{name} to be seen", lambda: rest.call("GET", status)["status"]["observedGeneration"] == 1, PATIENCE_SECONDS
    )


@pytest.mark.parametrize("home", [{}, {"HOME": "/"}], ids=["no home", "the root as home"])
def test_the_operator_waits_for_its_kind_by_name_whenever_that_is_missing(
    bare: LocalCluster, tmp_path: Path, home: dict[str, str]
) -> None:
    rest = Rest.from_kubeconfig(bare.kubeconfig)
    crd = only_object("CustomResourceDefinition", installed())
    missing = "CustomResourceDefinition loadtests.x-load-test.dev is missing"
    with started(bare, tmp_path, **home) as operator:
        operator.until_unready(missing)
        assert operator.get("/healthz") == (200, "ok")

        rest.apply(crd)
        operator.until_ready()
        seen_by_the_operator(rest, "first")

        rest.delete(CRD)
        operator.until_unready(missing)
        assert operator.get("/healthz") == (200, "ok")

        rest.apply(crd)
        operator.until_ready()
        seen_by_the_operator(rest, "second")

        assert operator.ended() == 0
        log = operator.log

    assert log.count(missing) == 2
    assert "apply crds/loadtests.yaml" in log
    assert "Traceback" not in log
    first = log.splitlines()[0]
    for said in ("namespaces watched: all", "limits: 100 tests", "targets: cluster-services", "the only replica"):
        assert said in first


def test_with_its_kind_a_running_load_goes_and_the_next_one_runs_when_it_is_back(
    bare: LocalCluster, tmp_path: Path
) -> None:
    rest = Rest.from_kubeconfig(bare.kubeconfig)
    crd = only_object("CustomResourceDefinition", installed())
    rest.apply(crd)
    wait_until_served(rest)
    namespace = make_namespace(bare, rest, "kind")
    namespace.deploy_slow()
    namespace.until_available("clients")

    def children() -> list[Json]:
        jobs = rest.items(f"/apis/batch/v1/namespaces/{namespace.name}/jobs")
        return [*jobs, *rest.items(f"/api/v1/namespaces/{namespace.name}/pods", "x-load-test.dev/test")]

    with started(bare, tmp_path, LOADTEST_ALLOW_LOOPBACK="true") as operator:
        operator.until_ready()
        namespace.start("first", load=LOAD).until_running()
        assert children()

        rest.delete(CRD)
        try:
            wait_for("Job and pods to be gone", lambda: not children(), PATIENCE_SECONDS)
        except TimeoutError as error:
            controllers = (bare.run_dir / "logs" / "kube-controller-manager.log").read_text()
            raise TimeoutError(f"{error}: {children()}; {operator.log}; {controllers[-5000:]}") from None
        operator.until_unready("is missing")

        rest.apply(crd)
        operator.until_ready()
        namespace.start("second", load=LOAD).until_running()

        assert operator.ended() == 0


def test_the_operator_ends_in_order_while_its_kind_is_missing(bare: LocalCluster, tmp_path: Path) -> None:
    with started(bare, tmp_path) as operator:
        operator.until_unready("is missing")

        assert operator.ended() == 0
