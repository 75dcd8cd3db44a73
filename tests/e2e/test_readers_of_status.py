"""What others make of a LoadTest's status: kubectl, kstatus and Argo CD, as they are published, and a pipeline."""

import copy
import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua54 import LuaRuntime

from loadtest_model.report.status import NO_OPERATOR_MESSAGE
from localcluster.cluster import Cluster
from localcluster.rest import Json, Rest, wait_for
from peers.readers_of_status import flux, kstatus, kubectl
from support.loadtests import PATH, Namespace, Test, reason

EXAMPLES = Path(__file__).parents[2] / "examples"
HEALTH_CHECK = EXAMPLES / "argocd" / "health.lua"
HOOK = EXAMPLES / "argocd" / "before-release.yaml"
FLUX = EXAMPLES / "flux" / "release.yaml"
GATE = EXAMPLES / "pipeline" / "gate.sh"
SHORT = {"batchSize": 200, "virtualUsers": 2, "duration": "4s"}
# So long that another test is seen waiting for it.
LONGER = {**SHORT, "duration": "15s"}


@dataclass(frozen=True)
class Kubectl:
    program: str
    cluster: Cluster
    namespace: str

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [self.program, f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={self.namespace}"]
        return subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
        )

    def __call__(self, *arguments: str) -> str:
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0, said
        return said


@pytest.fixture(scope="module")
def tell(cluster: Cluster, namespace: Namespace) -> Kubectl:
    return Kubectl(str(kubectl()), cluster, namespace.name)


@dataclass(frozen=True)
class Lives:
    """One test that passed and one that failed, as the API server showed them on their way, by what they were then."""

    passed: Test
    failed: Test
    seen: dict[str, Json]
    waited: dict[str, tuple[int, str]]
    columns: dict[str, str]
    watched: str


@pytest.fixture(scope="module")
def lives(namespace: Namespace, tell: Kubectl) -> Lives:
    namespace.deploy_slow()
    namespace.until_available("clients")
    seen, columns = {}, {}

    watch = tell.start("get", "xlt", "--watch")
    passed = namespace.start("passes", load=LONGER, suspend=True)
    passed.until("suspended", lambda status: reason(status, "Verified") == "Suspended")
    seen["suspended"] = passed.get()
    seen["new"] = copy.deepcopy(seen["suspended"])
    seen["new"]["status"] = {"observedGeneration": -1, "phase": "Queued", "message": NO_OPERATOR_MESSAGE}
    waits = {
        condition: tell.start("wait", f"--for={condition}", "loadtest/passes", "--timeout=100s")
        for condition in ("condition=Completed", "condition=Ready")
    }
    passed.patch(suspend=False)
    passed.until_running()
    seen["running"] = passed.get()
    failed = namespace.start("fails", load=SHORT, thresholds=["p95 < 10ms"])
    failed.until("queued", lambda status: reason(status, "Verified") == "TargetBusy")
    seen["queued"] = failed.get()
    columns["during"] = tell("get", "xlt")
    assert passed.until_completed()["verdict"] == "Passed"
    seen["passed"] = passed.get()
    waited = {}
    for condition, process in waits.items():
        said, _ = process.communicate(timeout=30)
        waited[condition] = (process.returncode, said)
    assert failed.until_completed()["verdict"] == "Failed"
    seen["failed"] = failed.get()
    failed.until("annotated", lambda _: "annotations" in failed.get()["metadata"])
    columns["after"] = tell("get", "xlt")
    watch.terminate()
    return Lives(passed, failed, seen, waited, columns, watch.communicate(timeout=30)[0])


def test_kubectl_wait_ends_with_the_test(lives: Lives, tell: Kubectl) -> None:
    assert lives.waited == dict.fromkeys(lives.waited, (0, "loadtest.x-load-test.dev/passes condition met\n"))
    assert "condition met" in tell("wait", "--for=condition=Completed", "loadtest/fails", "--timeout=5s")
    vain = tell.start("wait", "--for=condition=Ready", "loadtest/fails", "--timeout=1s")
    assert "timed out" in vain.communicate(timeout=30)[0]
    assert vain.returncode == 1


def test_kstatus_follows_a_test_from_in_progress_to_current_or_failed(lives: Lives) -> None:
    program = kstatus()
    lines = "".join(json.dumps(resource) + "\n" for resource in lives.seen.values())

    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)

    assert dict(zip(lives.seen, done.stdout.split(), strict=True)) == {
        "suspended": "InProgress",
        "new": "InProgress",
        "running": "InProgress",
        "queued": "InProgress",
        "passed": "Current",
        "failed": "Failed",
    }


@pytest.mark.timeout(900)
def test_the_health_checks_for_flux_let_a_suspended_test_through_and_no_other_that_has_not_passed(lives: Lives) -> None:
    program = flux()
    kustomizations = list(yaml.safe_load_all(FLUX.read_text(encoding="utf-8")))
    judging = {each["metadata"]["name"]: each["spec"].get("healthCheckExprs") for each in kustomizations}
    assert [name for name, checks in judging.items() if checks] == ["shop-load-test"]
    assert kustomizations[-1]["spec"]["dependsOn"] == [{"name": "shop-load-test"}]
    # A new version over one that has passed: the status is still about the run before.
    released = copy.deepcopy(lives.seen["passed"])
    released["metadata"]["generation"] += 1
    resources = {**lives.seen, "released": released}

    said = {}
    for kustomization in kustomizations:
        judged = resources.values() if kustomization["spec"].get("healthCheckExprs") else ()
        lines = "".join(json.dumps(document) + "\n" for document in (kustomization, *judged))
        done = subprocess.run([program], input=lines, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said[kustomization["metadata"]["name"]] = done.stdout.split()

    assert dict(zip(resources, said["shop-load-test"], strict=True)) == {
        "suspended": "Current",
        "new": "InProgress",
        "running": "InProgress",
        "queued": "InProgress",
        "passed": "Current",
        "failed": "Failed",
        "released": "InProgress",
    }


def test_the_health_check_for_argo_cd_follows_it_too(lives: Lives) -> None:
    healths = {name: health(resource) for name, resource in lives.seen.items()}

    assert {name: made["status"] for name, made in healths.items()} == {
        "suspended": "Suspended",
        "new": "Progressing",
        "running": "Progressing",
        "queued": "Progressing",
        "passed": "Healthy",
        "failed": "Degraded",
    }
    assert healths["queued"]["message"].startswith("place 1 in line: test passes loads the same target")
    assert healths["failed"]["message"].startswith("Failed: threshold p95 < 10ms is breached")


def health(resource: Json) -> dict[str, str]:
    lua: Any = LuaRuntime(unpack_returned_tuples=True)
    lua.globals().obj = lua.table_from(resource, recursive=True)
    return dict(lua.execute(HEALTH_CHECK.read_text(encoding="utf-8")))


def test_one_line_of_kubectl_get_tells_the_story(lives: Lives) -> None:
    print(lives.columns["during"], lives.columns["after"])
    during, after = (rows(text) for text in lives.columns.values())

    assert during["passes"]["PHASE"] == "Running"
    assert (during["fails"]["PHASE"], during["fails"]["REASON"]) == ("Queued", "TargetBusy")
    assert (after["passes"]["VERDICT"], after["passes"]["REASON"]) == ("Passed", "")
    assert (after["passes"]["PROGRESS"], after["passes"]["FINISHED"]) == ("100%", "1")
    assert after["passes"]["HEALTH"] in ("Good", "Warning")
    assert re.fullmatch(r"[0-9.]+(ms|s)", after["passes"]["P95"])
    assert (after["fails"]["VERDICT"], after["fails"]["REASON"]) == ("Failed", "ThresholdBreached")


def test_kubectl_get_watch_repeats_no_row(lives: Lives) -> None:
    print(lives.watched)
    for name in ("passes", "fails"):
        # The age is no news.
        lines = [" ".join(line.split()[:-1]) for line in lives.watched.splitlines() if line.split()[0] == name]
        assert len(lines) > 5
        repeated = [line for line, previous in zip(lines[1:], lines, strict=False) if line == previous]
        # The row of the patch that ends the suspension, which is not the operator's.
        assert [line for line in repeated if "Suspended" not in line] == []


def test_a_wait_is_not_misled_by_the_run_before_nor_by_a_change_of_the_spec(lives: Lives, tell: Kubectl) -> None:
    lives.passed.patch(stop=True)
    assert "condition met" in tell("wait", "--for=condition=Completed", "loadtest/passes", "--timeout=30s")

    # The run before has passed; this one is stopped before it loads.
    lives.passed.patch(runId="again", stop=False, suspend=True)
    vain = tell.start("wait", "--for=condition=Completed", "loadtest/passes", "--timeout=3s")
    assert "timed out" in vain.communicate(timeout=30)[0]
    lives.passed.patch(stop=True)
    assert "condition met" in tell("wait", "--for=condition=Completed", "loadtest/passes", "--timeout=30s")
    assert lives.passed.get()["status"]["verdict"] == "Inconclusive"


def rows(text: str) -> dict[str, dict[str, str]]:
    """The lines of `kubectl get`, by name; a value ends where the next column begins."""
    head, *lines = text.splitlines()
    names = head.split()
    starts = [head.index(name) for name in names]
    ends = [*starts[1:], None]
    made = [{n: line[s:e].strip() for n, s, e in zip(names, starts, ends, strict=True)} for line in lines]
    return {row["NAME"]: row for row in made}


def test_kubectl_describe_reads_well(lives: Lives, tell: Kubectl) -> None:
    said = tell("describe", "xlt", "fails")
    print(said)
    print(tell("get", "xlt", "-o", "wide"))

    about, _, told = said.partition("Events:")
    assert "ThresholdBreached" in about
    announced = {line.split()[1] for line in told.splitlines() if line.split()[:1] in (["Normal"], ["Warning"])}
    assert announced == {"Queued", "Starting", "Verifying", "Verified", "Running", "ThresholdBreached"}


def test_a_gate_in_a_pipeline_exits_by_the_verdict_of_a_run_of_its_own(
    lives: Lives, tell: Kubectl, rest: Rest, namespace: Namespace, tmp_path: Path
) -> None:
    manifest = tmp_path / "before-release.yaml"
    hook: Json = yaml.safe_load(HOOK.read_text(encoding="utf-8"))
    hook["metadata"]["namespace"] = namespace.name
    path = f"{PATH.format(namespace=namespace.name)}/{hook['metadata']['name']}"

    def start(run_id: str, *arguments: str, **spec: Any) -> subprocess.Popen[str]:
        manifest.write_text(json.dumps({**hook, "spec": {**hook["spec"], "load": SHORT, **spec}}), encoding="utf-8")
        searched = f"{Path(tell.program).parent}{os.pathsep}{os.environ['PATH']}"
        named = {"KUBECONFIG": str(tell.cluster.kubeconfig), "RUN_ID": run_id, "PATH": searched}
        command = [str(GATE), str(manifest), *arguments]
        return subprocess.Popen(
            command, env={**os.environ, **named}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def gate(run_id: str, *arguments: str, **spec: Any) -> tuple[int, str]:
        process = start(run_id, *arguments, **spec)
        said, _ = process.communicate(timeout=120)
        print(said)
        return process.returncode, said

    signalled = start("release-0")
    wait_for("the test to be there", lambda: rest.get_or_none(path), 30)
    signalled.terminate()
    said, _ = signalled.communicate(timeout=120)
    stopped = "Inconclusive (never loaded): the test was stopped by spec.stop"
    assert (signalled.returncode, stopped in said) == (3, True), said
    status, said = gate("release-1", "1s")
    # Whether its load had begun after one second is not certain.
    assert (status in (2, 3), rest.call("GET", path)["spec"]["stop"]) == (True, True)
    assert ("Inconclusive" if status == 2 else "Inconclusive (never loaded)") + ": the test was stopped" in said
    status, said = gate("release-2", thresholds=["p95 < 10ms", "p99 < 11ms"])
    assert (status, "Failed: threshold p95 < 10ms is breached" in said) == (1, True)
    assert "  also: threshold p99 < 11ms is breached" in said
    # The longest run id that a label takes, with all that may stand in one.
    release = f"v1.2.3_RC-{'x' * 52}Z"
    status, said = gate(release)
    assert (status, "Passed: every threshold held" in said) == (0, True)
    assert rest.call("GET", path)["status"]["runId"] == release
    status, said = gate(release, "1s")
    assert (status, f"run {release} had already ended at " in said) == (0, True)
    assert gate("release-4", scenario="large")[0] == 3
    status, said = gate("release-5", target={"url": "http://clients:8000/clients/nowhere/"})
    ended = rest.call("GET", path)["status"]
    assert (status, ended["reasonClass"], "  also: " in said) == (3, "Misconfigured", False), said
    assert not {"thresholds", "health", "steps"} & {key for key, value in ended.items() if value}, ended
