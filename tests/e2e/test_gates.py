"""The gate of pipelines: what it prints and saves, and that a bad version after a good one does not pass it."""

import base64
import gzip
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import yaml

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, wait_until_available
from localcluster.rest import Rest, wait_for
from support.loadtests import PATH, Namespace
from support.operators import operators
from support.releases import BAD, GATE, GOOD, REPOSITORY, SPEC, THRESHOLD, Ending, cluster_with_releases, release, shell

pytestmark = pytest.mark.process_node("the images of the releases are entries of its table")
NAME = "before-release"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_with_releases() as new_cluster:
        yield new_cluster


@pytest.fixture(scope="module")
def rest(cluster: Cluster) -> Rest:
    return Rest.from_kubeconfig(cluster.kubeconfig)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "load-test.yaml"
    test = {"apiVersion": "x-load-test.dev/v1alpha1", "kind": "LoadTest", "metadata": {"name": NAME}, "spec": SPEC}
    path.write_text(yaml.safe_dump(test), encoding="utf-8")
    return path


def test_a_bad_version_after_a_good_one_with_the_same_manifest_keeps_the_gate_closed(
    namespace: Namespace, manifest: Path, tmp_path: Path
) -> None:
    def gate(*arguments: str) -> Ending:
        deployed = ("--deployed", "deployment/clients", *arguments)
        saved = ("--out", "results", "--summary", "summary.md")
        return shell(namespace.cluster, namespace.name, tmp_path, str(GATE), *deployed, *saved, str(manifest), "3m")

    release(namespace, GOOD)
    good = gate()
    release(namespace, BAD)
    # The rollout has only begun: the gate waits for it, and does not test the pods of the version before.
    bad = gate()
    # Who means the version that is not deployed gets no verdict about the one that is.
    other = gate("--image", f"{REPOSITORY}:{GOOD}")
    release(namespace, GOOD)
    again = gate("--image", f"{REPOSITORY}:{GOOD}")

    assert [ending.status for ending in (good, bad, other, again)] == [0, 1, 3, 0]
    assert f"deployment/clients runs {REPOSITORY}:{BAD} and not {REPOSITORY}:{GOOD}" in other.stderr
    assert f"Failed: threshold {THRESHOLD} is breached" in bad.stdout
    assert f"Threshold {THRESHOLD}: breached, measured 3" in bad.stdout
    assert "Proof: Echoed" in bad.stdout
    assert "Running" in bad.stderr
    run_id = namespace.rest.call("GET", f"{PATH.format(namespace=namespace.name)}/{NAME}")["status"]["runId"]
    assert run_id.startswith(f"{GOOD}-")
    verdicts = [
        json.loads(path.read_text())["verdict"] for path in sorted((tmp_path / "results").glob("*summary.json"))
    ]
    assert verdicts == ["Passed", "Passed", "Failed"]
    (failed,) = (tmp_path / "results").glob(f"{NAME}_{BAD}-*_junit.xml")
    assert [case.get("name") for case in Xml.parse(failed).iter("testcase") if case.find("failure") is not None]
    (report,) = (tmp_path / "results").glob(f"{NAME}_{BAD}-*_report.html")
    assert report.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert str(report.relative_to(tmp_path)) in bad.stdout
    summary = (tmp_path / "summary.md").read_text()
    assert [line for line in summary.splitlines() if line.startswith("## ")] == [
        f"## Load test {NAME}: {verdict}" for verdict in ("Passed", "Failed", "Passed")
    ]


# It passes everything on, and does not wait for three minutes until a test that nobody stops has stopped.
IMPATIENT_KUBECTL = """#!/bin/sh
for argument; do
  shift
  [ "$argument" != --timeout=3m ] || argument=--timeout=2s
  set -- "$@" "$argument"
done
exec {kubectl} "$@"
"""


def test_the_verdict_of_the_run_before_does_not_open_the_gate_while_no_operator_is_there(
    namespace: Namespace, manifest: Path, tmp_path: Path
) -> None:
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(IMPATIENT_KUBECTL.format(kubectl=shutil.which("kubectl")), encoding="utf-8")
    kubectl.chmod(0o755)
    searched = {"PATH": f"{kubectl.parent}{os.pathsep}{os.environ['PATH']}"}
    path = f"/apis/apps/v1/namespaces/{OPERATOR_NAMESPACE}/deployments/{OPERATOR}"

    def gate(*arguments: str) -> Ending:
        command = (str(GATE), "--out", "results", *arguments)
        return shell(namespace.cluster, namespace.name, tmp_path, *command, variables=searched)

    def scale(replicas: int) -> None:
        scaled = {"spec": {"replicas": replicas}}
        namespace.rest.call("PATCH", path, scaled, content_type="application/merge-patch+json")

    release(namespace, GOOD)
    namespace.until_rolled_out("clients")
    assert gate("--run-id", "one", str(manifest)).status == 0
    scale(0)
    try:
        wait_for("the operator to be gone", lambda: not operators(namespace.rest), 60)
        ending = gate("--run-id", "two", str(manifest), "2s")
    finally:
        scale(1)
        wait_until_available(namespace.rest, OPERATOR_NAMESPACE, OPERATOR)

    assert ending.status == 2
    assert "run two has no verdict" in ending.stderr
    assert "Passed" not in ending.stdout
    assert not list((tmp_path / "results").glob("*_two_*"))


def test_what_a_run_id_had_before_is_neither_saved_for_another_run_nor_answers_for_another_version(
    namespace: Namespace, manifest: Path, tmp_path: Path
) -> None:
    def gate(run_id: str) -> Ending:
        deployed = ("--deployed", "deployment/clients", "--run-id", run_id)
        saved = ("--out", "results", "--summary", "summary.md")
        return shell(namespace.cluster, namespace.name, tmp_path, str(GATE), *deployed, *saved, str(manifest), "3m")

    release(namespace, GOOD)
    first = gate("used")
    other = gate("another")
    release(namespace, BAD)
    # Another run was the last one, so the id gets a second run, of the version that is deployed now.
    second = gate("used")
    saved = json.loads((tmp_path / "results" / f"{NAME}_used_summary.json").read_text())
    # The last run had this id, and is about what is deployed.
    again = gate("used")
    release(namespace, GOOD)
    # The last run had this id, and is about the version before.
    stale = gate("used")

    assert [ending.status for ending in (first, other, second, again, stale)] == [0, 0, 1, 1, 3]
    assert (saved["verdict"], saved["run_id"]) == ("Failed", "used")
    assert "gate.sh: run used had already ended at 2" in again.stderr
    assert not any("already ended" in ending.stderr for ending in (first, other, second))
    assert "Note: run used had already ended at 2" in (tmp_path / "summary.md").read_text()
    assert "every pod of deployment/clients is younger than that" in stale.stderr
    assert "Failed" not in stale.stdout
    kept = namespace.rest.items(f"/api/v1/namespaces/{namespace.name}/configmaps", "x-load-test.dev/run=used")
    assert sorted(each["metadata"]["labels"]["x-load-test.dev/verdict"] for each in kept) == ["Failed", "Passed"]


def test_what_the_gate_saves_is_what_the_operator_wrote(namespace: Namespace, manifest: Path, tmp_path: Path) -> None:
    release(namespace, GOOD)
    arguments = ("--deployed", "deployment/clients", "--run-id", "bytes", "--out", "results", str(manifest))
    assert shell(namespace.cluster, namespace.name, tmp_path, str(GATE), *arguments).status == 0

    results = namespace.rest.call("GET", f"{PATH.format(namespace=namespace.name)}/{NAME}")["status"]["results"]
    path = f"/api/v1/namespaces/{namespace.name}/configmaps/{results['configMap']}"
    config_map = namespace.rest.call("GET", path)
    stem = tmp_path / "results" / f"{NAME}_bytes"
    saved = {file.name: file.read_bytes() for file in (tmp_path / "results").iterdir()}
    expected = {f"{stem.name}_{key}": text.encode() for key, text in config_map["data"].items()}
    for key, text in config_map["binaryData"].items():
        expected[f"{stem.name}_{key.removesuffix('.gz')}"] = gzip.decompress(base64.b64decode(text))
    assert saved == expected
