"""The local cluster does what a cluster does, as far as the project relies on it."""

import base64
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from localcluster.claims import NumbersTakenError, claimed_number
from localcluster.cluster import LocalCluster, local_cluster
from localcluster.node.delays import Delays
from localcluster.node.images import Image
from localcluster.rest import Rest
from localcluster.supervisor import RUN_DIR_PREFIX

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

_T = TypeVar("_T")
_REPOSITORY = Path(__file__).resolve().parents[2]
_IP = {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
_SERVE = ["python3", "-u", "-m", "http.server", "--bind", "$(IP)", "8000"]


def until(observe: Callable[[], _T | None], seconds: float = 30.0) -> _T:
    """Return the first true thing observed; fail with the last one when the time is over."""
    deadline = time.monotonic() + seconds
    while not (seen := observe()):
        assert time.monotonic() < deadline, f"still {seen!r} after {seconds:g} s"
        time.sleep(0.05)
    return seen


class Namespace:
    """One namespace of the cluster, with what these tests ask of it."""

    def __init__(self, cluster: LocalCluster, admin: Rest, name: str) -> None:
        self.cluster = cluster
        self.admin = admin
        self.name = name

    def path(self, kind: str, name: str = "") -> str:
        group = {"jobs": "/apis/batch/v1", "deployments": "/apis/apps/v1"}.get(kind, "/api/v1")
        return f"{group}/namespaces/{self.name}/{kind}" + (f"/{name}" if name else "")

    def create(self, kind: str, name: str, **fields: Any) -> dict[str, Any]:
        metadata = {"name": name, **fields.pop("metadata", {})}
        return self.admin.call("POST", self.path(kind), {"metadata": metadata, **fields})

    def create_pod(
        self, name: str, command: list[str], *, metadata: Any = None, pod: Any = None, **container: Any
    ) -> None:
        main = {"name": "main", "image": "tools", "command": command, **container}
        spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [main]}
        self.create("pods", name, metadata=metadata or {}, spec=spec | (pod or {}))

    def pod(self, name: str) -> dict[str, Any]:
        return self.admin.call("GET", self.path("pods", name))

    def pods(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.admin.call("GET", self.path("pods"))["items"]
        return items

    def state(self, name: str, kind: str) -> dict[str, Any] | None:
        """Return the main container's state if it is of that kind."""
        statuses = self.pod(name)["status"].get("containerStatuses") or [{"state": {}}]
        found: dict[str, Any] | None = statuses[0]["state"].get(kind)
        return found

    def until_ended(self, name: str) -> dict[str, Any]:
        return until(lambda: self.state(name, "terminated"))

    def until_ready(self, name: str) -> dict[str, Any]:
        return until(lambda: pod if _condition(pod := self.pod(name), "Ready") else None)


def _condition(item: dict[str, Any], kind: str) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(one["type"] == kind and one["status"] == "True" for one in conditions)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with local_cluster({"tools": Image()}, back_off_seconds=0.5) as running:
        yield running


@pytest.fixture
def namespace(cluster: LocalCluster) -> Iterator[Namespace]:
    admin = Rest.from_kubeconfig(cluster.kubeconfig)
    created = admin.call("POST", "/api/v1/namespaces", {"metadata": {"generateName": "test-"}})
    name = created["metadata"]["name"]
    until(lambda: admin.get_or_none(f"/api/v1/namespaces/{name}/serviceaccounts/default"))
    yield Namespace(cluster, admin, name)
    admin.call("DELETE", f"/api/v1/namespaces/{name}")


def test_a_pod_runs_with_an_address_and_volumes_of_its_own(namespace: Namespace) -> None:
    namespace.create("secrets", "keys", stringData={"key": "from the secret"})
    script = "echo $IP; cat /nowhere/on/the/host/key; pwd; touch /tmp/x /scratch/x; touch /etc/x || echo kept"
    namespace.create_pod(
        "one",
        ["sh", "-c", script],
        pod={
            "volumes": [
                {"name": "keys", "secret": {"secretName": "keys"}},
                {"name": "scratch", "emptyDir": {}},
            ]
        },
        env=[_IP],
        workingDir="/scratch",
        volumeMounts=[
            {"name": "keys", "mountPath": "/nowhere/on/the/host"},
            {"name": "scratch", "mountPath": "/scratch"},
        ],
    )

    end = namespace.until_ended("one")

    address = namespace.pod("one")["status"]["podIP"]
    assert address.startswith("127.")
    assert not address.startswith("127.0.")
    log = namespace.cluster.logs(namespace.name, "one").splitlines()
    assert [log[0], log[1], log[-1]] == [address, "from the secret/scratch", "kept"]
    assert end["exitCode"] == 0
    assert not Path("/nowhere").exists()


def test_no_other_cluster_of_the_machine_takes_the_network_of_one_that_runs(
    cluster: LocalCluster, namespace: Namespace
) -> None:
    (node,) = namespace.admin.items("/api/v1/nodes")
    address = next(each["address"] for each in node["status"]["addresses"] if each["type"] == "InternalIP")
    second_octet = int(address.split(".")[1])

    with pytest.raises(NumbersTakenError), claimed_number("loopback network", [second_octet]):
        pass


def test_the_exit_code_and_the_last_word_of_a_container_arrive(namespace: Namespace) -> None:
    namespace.create_pod("coded", ["sh", "-c", "echo the last word > /dev/termination-log; exit 7"])
    namespace.create_pod(
        "logged", ["sh", "-c", "echo in the log; exit 3"], terminationMessagePolicy="FallbackToLogsOnError"
    )

    coded, logged = namespace.until_ended("coded"), namespace.until_ended("logged")

    assert (coded["exitCode"], coded["reason"], coded["message"]) == (7, "Error", "the last word\n")
    assert (logged["exitCode"], logged["message"]) == (3, "in the log\n")
    until(lambda: namespace.pod("coded")["status"]["phase"] == "Failed")


@pytest.mark.parametrize(("fault", "arrives"), [("message-lost", ""), ("message-torn", "1234")])
def test_a_termination_message_can_be_lost_or_torn(namespace: Namespace, fault: str, arrives: str) -> None:
    namespace.create_pod(
        "damaged",
        ["sh", "-c", "printf 12345678 > /dev/termination-log"],
        metadata={"annotations": {f"node.localcluster/{fault}": "*"}},
    )

    assert namespace.until_ended("damaged").get("message", "") == arrives


def test_a_job_fails_at_once_on_an_exit_code_that_its_policy_names(namespace: Namespace) -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [42]}}
    wait_unless_first = 'if [ "$JOB_COMPLETION_INDEX" = 0 ]; then exit 42; fi; exec sleep 60'
    container = {"name": "main", "image": "tools", "command": ["sh", "-c", wait_unless_first]}
    template = {"spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}}
    namespace.create(
        "jobs",
        "fleet",
        spec={
            "completionMode": "Indexed",
            "completions": 2,
            "parallelism": 2,
            "backoffLimitPerIndex": 0,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": [rule]},
            "template": template,
        },
    )

    def job() -> dict[str, Any]:
        return namespace.admin.call("GET", namespace.path("jobs", "fleet"))

    until(lambda: _condition(job(), "Failed"))

    failed = next(one for one in job()["status"]["conditions"] if one["type"] == "Failed")
    assert failed["reason"] == "PodFailurePolicy"
    assert "exit code 42" in failed["message"]


def test_a_deployment_becomes_ready_and_its_service_name_resolves_in_a_running_pod(
    namespace: Namespace,
) -> None:
    ask = "until curl -sf http://web.$NS.svc:8000/ > /dev/null; do sleep 0.1; done"
    where = {"name": "NS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}
    namespace.create_pod("client", ["sh", "-c", ask], env=[where])
    until(lambda: namespace.state("client", "running"))
    container = {"name": "main", "image": "tools", "command": _SERVE, "env": [_IP]}
    container["readinessProbe"] = {"httpGet": {"path": "/", "port": 8000}, "periodSeconds": 1}
    namespace.create("services", "web", spec={"selector": {"app": "web"}, "ports": [{"port": 8000}]})
    namespace.create(
        "deployments",
        "web",
        spec={
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
            },
        },
    )

    until(lambda: _condition(namespace.admin.call("GET", namespace.path("deployments", "web")), "Available"))

    assert namespace.until_ended("client")["exitCode"] == 0


def test_a_missing_secret_key_is_said_and_waited_for(namespace: Namespace) -> None:
    namespace.create("secrets", "keys", stringData={"other": "x"})
    reference = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "absent"}}}
    namespace.create_pod("waiting", ["sh", "-c", 'test "$KEY" = now'], env=[reference])

    waiting = until(
        lambda: (
            state
            if (state := namespace.state("waiting", "waiting")) and state["reason"] != "ContainerCreating"
            else None
        )
    )

    assert waiting["reason"] == "CreateContainerConfigError"
    assert waiting["message"] == f"couldn't find key absent in Secret {namespace.name}/keys"
    patch = {"data": {"absent": base64.b64encode(b"now").decode()}}
    path = namespace.path("secrets", "keys")
    namespace.admin.call("PATCH", path, patch, content_type="application/merge-patch+json")
    assert namespace.until_ended("waiting")["exitCode"] == 0


def test_an_unknown_image_is_not_pulled(namespace: Namespace) -> None:
    namespace.create_pod("unknown", ["true"], image="nobody/knows:this")

    seen = {until(lambda: namespace.state("unknown", "waiting"))["reason"]}

    def backing_off() -> bool:
        waiting = namespace.state("unknown", "waiting")
        seen.update([waiting["reason"]] if waiting else [])
        return {"ErrImagePull", "ImagePullBackOff"} <= seen

    assert until(backing_off)
    assert namespace.pod("unknown")["status"]["phase"] == "Pending"


def test_a_secret_volume_follows_its_secret_after_the_nodes_delay(namespace: Namespace) -> None:
    namespace.create("secrets", "keys", stringData={"key": "old"})
    namespace.create_pod(
        "reader",
        ["sh", "-c", "until grep -q new /keys/key; do sleep 0.05; done; date +%s.%N"],
        pod={"volumes": [{"name": "keys", "secret": {"secretName": "keys"}}]},
        volumeMounts=[{"name": "keys", "mountPath": "/keys"}],
    )
    until(lambda: namespace.state("reader", "running"))

    changed_at = time.time()
    patch = {"data": {"key": base64.b64encode(b"new").decode()}}
    path = namespace.path("secrets", "keys")
    namespace.admin.call("PATCH", path, patch, content_type="application/merge-patch+json")

    assert namespace.until_ended("reader")["exitCode"] == 0
    assert float(namespace.cluster.logs(namespace.name, "reader")) - changed_at >= Delays().volume


def test_a_pod_acts_with_its_service_accounts_rights_and_no_others(namespace: Namespace) -> None:
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    ask = (
        f'curl -s --cacert {account}/ca.crt -H "Authorization: Bearer $(cat {account}/token)" '
        "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/api/v1/secrets"
    )
    namespace.create_pod("asker", ["sh", "-c", ask])

    namespace.until_ended("asker")

    answer = namespace.cluster.logs(namespace.name, "asker")
    assert f"system:serviceaccount:{namespace.name}:default" in answer
    assert "Forbidden" in answer


def test_a_killed_container_is_started_again_as_its_policy_says(namespace: Namespace) -> None:
    namespace.create_pod("lasting", ["sleep", "60"], pod={"restartPolicy": "Always"})
    namespace.until_ready("lasting")
    first = namespace.cluster.pod_processes(namespace.name, "lasting")["main"]

    namespace.cluster.kill(namespace.name, "lasting")

    status = until(
        lambda: (
            status
            if (status := namespace.pod("lasting")["status"]["containerStatuses"][0])["restartCount"] == 1
            and "running" in status["state"]
            else None
        )
    )
    assert status["lastState"]["terminated"]["exitCode"] == 137
    assert namespace.cluster.pod_processes(namespace.name, "lasting")["main"] != first


def test_a_deleted_pod_gets_its_grace_and_leaves_no_process(namespace: Namespace) -> None:
    script = "trap 'echo asked to end; exit 5' TERM; sleep 1000 & touch /tmp/set; wait"
    exists = {"exec": {"command": ["test", "-e", "/tmp/set"]}, "periodSeconds": 1}
    namespace.create_pod("ending", ["sh", "-c", script], readinessProbe=exists)
    namespace.until_ready("ending")
    process = namespace.cluster.pod_processes(namespace.name, "ending")["main"]

    namespace.admin.call("DELETE", namespace.path("pods", "ending"))

    until(lambda: namespace.admin.get_or_none(namespace.path("pods", "ending")) is None)
    assert namespace.cluster.logs(namespace.name, "ending") == "asked to end\n"
    assert not Path(f"/proc/{process}").exists()


def test_a_deleted_pod_reports_its_end_before_it_goes(namespace: Namespace) -> None:
    script = "trap 'exit 5' TERM; touch /tmp/set; sleep 1000 & wait"
    exists = {"exec": {"command": ["test", "-e", "/tmp/set"]}, "periodSeconds": 1}
    metadata = {"finalizers": ["test.example/hold"]}
    namespace.create_pod("ending", ["sh", "-c", script], readinessProbe=exists, metadata=metadata)
    namespace.until_ready("ending")

    namespace.admin.call("DELETE", namespace.path("pods", "ending"))

    end = namespace.until_ended("ending")
    until(lambda: namespace.pod("ending")["status"]["phase"] == "Failed")
    patch = {"metadata": {"finalizers": None}}
    path = namespace.path("pods", "ending")
    namespace.admin.call("PATCH", path, patch, content_type="application/merge-patch+json")
    until(lambda: namespace.admin.get_or_none(path) is None)
    assert end["exitCode"] == 5


def test_a_pod_that_no_node_may_take_says_so_until_it_is_let_go(namespace: Namespace) -> None:
    annotation = "node.localcluster/unscheduled"
    namespace.create_pod("held", ["true"], metadata={"annotations": {annotation: "*"}})

    def scheduled() -> dict[str, Any] | None:
        conditions = namespace.pod("held")["status"].get("conditions", [])
        return next((one for one in conditions if one["type"] == "PodScheduled"), None)

    condition = until(scheduled)
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    namespace.admin.call(
        "PATCH",
        namespace.path("pods", "held"),
        {"metadata": {"annotations": {annotation: None}}},
        content_type="application/merge-patch+json",
    )
    assert namespace.until_ended("held")["exitCode"] == 0


def test_what_a_job_owns_is_collected_when_it_is_deleted(namespace: Namespace) -> None:
    container = {"name": "main", "image": "tools", "command": ["sleep", "60"]}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    namespace.create("jobs", "lasting", spec={"template": {"spec": spec}})
    until(lambda: any(_condition(pod, "Ready") for pod in namespace.pods()))
    process = namespace.cluster.pod_processes(namespace.name, namespace.pods()[0]["metadata"]["name"])["main"]

    background = {"propagationPolicy": "Background"}
    namespace.admin.call("DELETE", namespace.path("jobs", "lasting"), background)

    until(lambda: not namespace.pods())
    until(lambda: not Path(f"/proc/{process}").exists())


def test_pods_of_a_lost_node_are_reported_as_ended_when_it_returns(namespace: Namespace) -> None:
    namespace.create_pod("lost", ["sleep", "60"])
    namespace.until_ready("lost")
    process = namespace.cluster.pod_processes(namespace.name, "lost")["main"]

    namespace.cluster.lose_node()

    until(lambda: not Path(f"/proc/{process}").exists())
    assert namespace.state("lost", "running")
    namespace.cluster.return_node()
    assert namespace.until_ended("lost")["exitCode"] == 137


def _processes_of(run_dir: Path) -> list[int]:
    """Return the processes whose command line or working files name the run folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(run_dir) in command:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("victim", ["starter", "supervisor"])
def test_whoever_is_killed_no_process_and_no_folder_is_left(victim: str, tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import sys, time
        from localcluster.rest import Rest
        from localcluster.cluster import local_cluster
        from localcluster.node.images import Image
        with local_cluster({"tools": Image()}) as cluster:
            container = {"name": "main", "image": "tools", "command": ["sleep", "1234"]}
            pod = {"metadata": {"name": "lasting"}, "spec": {"containers": [container]}}
            Rest.from_kubeconfig(cluster.kubeconfig).call("POST", "/api/v1/namespaces/default/pods", pod)
            while True:
                try:
                    pids = cluster.pod_processes("default", "lasting")
                except Exception:
                    pids = {}
                if pids:
                    break
                time.sleep(0.05)
            print(cluster.run_dir, cluster.supervisor_pid, pids["main"], flush=True)
            sys.stdin.readline()
        """
    )
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY)}
    starter = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with starter:
        assert starter.stdout is not None
        assert starter.stdin is not None
        run_dir_text, supervisor, pod_process = starter.stdout.readline().split()
        run_dir = Path(run_dir_text)
        assert run_dir.name.startswith(RUN_DIR_PREFIX)
        assert _processes_of(run_dir)

        if victim == "starter":
            starter.kill()
        else:
            os.kill(int(supervisor), signal.SIGKILL)
            starter.stdin.close()

        until(lambda: not run_dir.exists())
        until(lambda: not _processes_of(run_dir))
        until(lambda: not Path(f"/proc/{pod_process}").exists())
