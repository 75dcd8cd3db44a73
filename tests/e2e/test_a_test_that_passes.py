"""A short test of a sound target, from apply to verdict, against what Django itself counted."""

import base64
import csv
import gzip
import io
import json
import re
from datetime import datetime
from xml.etree import ElementTree as Xml

import pytest
import yaml

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, wait_for
from support.loadtests import Namespace, Test, condition, reason

BATCH = 500
VERIFICATION_ROWS = {0, 1, 5}
TARGET = {"url": "http://clients:8000/clients/upload/process/", "timeout": "20s", "tracing": {"sampleRatio": 0.1}}


@pytest.fixture(scope="module")
def test(namespace: Namespace) -> Test:
    namespace.deploy_slow()
    namespace.until_available("clients")
    return namespace.start("light", target=TARGET)


@pytest.fixture(scope="module")
def status(test: Test) -> Json:
    return test.until_completed()


def test_it_passes_with_every_condition_right(test: Test, status: Json) -> None:
    assert (status["verdict"], status["phase"]) == ("Passed", "Completed")
    expected = {
        "Verified": "True",
        "Running": "False",
        "ResultsComplete": "True",
        "Completed": "True",
        "Succeeded": "True",
        "Ready": "True",
        "Stalled": "False",
    }
    assert {kind: condition(status, kind) for kind in expected} == expected
    assert reason(status, "Completed") == reason(status, "Succeeded") == "Passed"
    assert status["observedGeneration"] == test.get()["metadata"]["generation"]
    assert all(c["observedGeneration"] == status["observedGeneration"] for c in status["conditions"])


def test_every_threshold_stands_beside_what_was_measured(status: Json) -> None:
    assert [item["expression"] for item in status["thresholds"]] == [
        "error_rate < 1%",
        "avg < 10s",
        "p95 < 20s",
        "p99 < 30s",
    ]
    assert all(item["passed"] and item["value"] is not None for item in status["thresholds"])


def test_the_summary_is_conserved(status: Json) -> None:
    requests, summary = status["summary"]["requests"], status["summary"]

    assert requests["due"] == requests["sent"] + requests["dropped"]
    assert requests["sent"] == sum(requests[name] for name in ("accepted", "rejected", "unknown", "violation"))
    assert requests["accepted"] > 0
    assert summary["records"]["confirmed"] == requests["accepted"] * BATCH
    assert summary["responseTimeSeconds"]["samples"] == requests["accepted"] + requests["unknown"]


def test_django_counted_what_the_summary_says(namespace: Namespace, status: Json) -> None:
    summary, proof = status["summary"], status["verification"]
    assert summary["requests"]["unknown"] == 0

    uploads = namespace.ledger()

    assert len(uploads) == summary["requests"]["accepted"] + proof["uploads"]
    assert sum(uploads) == summary["records"]["confirmed"] + proof["rows"]
    assert set(uploads) <= {*VERIFICATION_ROWS, BATCH}


def test_nothing_was_stored(namespace: Namespace, status: Json) -> None:
    assert status["verdict"] == "Passed"
    assert namespace.ledger(load_test=False) == []


def test_both_pods_carried_their_share_and_began_together(status: Json) -> None:
    assert status["pods"] == {"desired": 2, "started": 2, "verified": 2, "running": 0, "succeeded": 2, "failed": 0}
    assert 0 < status["start"]["skewSeconds"] <= 0.25


def test_the_frozen_plan_says_what_ran(status: Json) -> None:
    (step,) = status["plan"]["steps"]

    assert (step["batchSize"], step["virtualUsers"], step["durationSeconds"]) == (BATCH, 2, 5.0)
    assert status["plan"]["exposedRows"] == 2 * BATCH


def test_the_results_hold_the_same_summary_and_a_conserved_time_series(rest: Rest, test: Test, status: Json) -> None:
    name = status["results"]["configMap"]
    stored = rest.call("GET", f"/api/v1/namespaces/{test.namespace}/configmaps/{name}")

    summary = json.loads(stored["data"]["summary.json"])
    series = list(csv.DictReader(io.StringIO(stored["data"]["time_series.csv"])))
    (suite,) = Xml.fromstring(stored["data"]["junit.xml"])
    report = gzip.decompress(base64.b64decode(stored["binaryData"]["report.html.gz"])).decode()

    assert summary["requests"] == status["summary"]["requests"]
    for name in ("due", "sent", "accepted", "rejected", "unknown", "violation", "dropped"):
        assert sum(int(row[name]) for row in series) == summary["requests"][name]
    names = [case.attrib["name"] for case in suite.iter("testcase")]
    assert names == ["verification", *(made["expression"] for made in summary["thresholds"]), "verdict"]
    assert (suite.attrib["failures"], suite.attrib["errors"]) == ("0", "0")
    assert summary["verdict"] == "Passed"
    assert f"<title>Passed: {summary['name']} · {summary['target_url']}</title>" in report
    assert [owner["uid"] for owner in stored["metadata"]["ownerReferences"]] == [test.uid]


def test_the_results_tell_of_each_pod_the_distribution_the_slowest_uploads_and_the_test_itself(
    rest: Rest, test: Test, status: Json
) -> None:
    name = status["results"]["configMap"]
    stored = rest.call("GET", f"/api/v1/namespaces/{test.namespace}/configmaps/{name}")

    summary = json.loads(stored["data"]["summary.json"])
    series = list(csv.DictReader(io.StringIO(stored["data"]["time_series.csv"])))

    requests, times = summary["requests"], summary["response_time_seconds"]
    assert [pod["index"] for pod in summary["pods"]] == [0, 1]
    assert sum(pod["sent"] for pod in summary["pods"]) == requests["sent"]
    assert max(pod["max"] for pod in summary["pods"]) == times["max"]
    assert summary["distribution"][-1] == {"quantile": 1.0, "seconds": times["max"]}
    assert [plateau["level"] for plateau in summary["steps"][0]["plateaus"]] == [2.0]
    assert summary["slowest"][0]["response_seconds"] == times["max"]
    assert {upload["pod"] for upload in summary["slowest"]} <= {0, 1}
    assert {len(upload["trace_id"]) for upload in summary["slowest"]} == {32}
    manifest = yaml.safe_load(summary["manifest"])
    assert (manifest["kind"], manifest["metadata"]["name"]) == ("LoadTest", test.name)
    assert manifest["spec"] == {
        "target": TARGET,
        "scenario": "custom",
        "load": {"batchSize": BATCH, "virtualUsers": 2, "duration": "5s"},
        "parallelism": 2,
    }
    assert datetime.fromisoformat(series[0]["time"]) == datetime.fromisoformat(summary["started_at"])
    assert any(row["p95_response_seconds"] for row in series)


def test_the_operators_metrics_agree_with_the_summary(cluster: Cluster, rest: Rest, test: Test, status: Json) -> None:
    (pod,) = rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", "app.kubernetes.io/name=loadtest-operator")
    text = cluster.ask(pod, 8080, "GET", "/metrics")[1].decode()
    mine = [line for line in text.splitlines() if f'namespace="{test.namespace}"' in line]

    uploads = {
        match.group(1): float(match.group(2))
        for line in mine
        if (match := re.fullmatch(r'loadtest_uploads_total\{.*outcome="(\w+)".*\} (\S+)', line))
    }

    requests = status["summary"]["requests"]
    assert uploads == {name: requests[name] for name in ("accepted", "rejected", "unknown", "violation")}


def test_events_tell_the_story(test: Test, status: Json) -> None:
    assert status["verdict"] == "Passed"
    reasons = {event["reason"] for event in test.events()}

    assert {"Verified", "Running", "Passed"} <= reasons


def test_the_pods_end_on_their_own(test: Test, status: Json) -> None:
    assert status["verdict"] == "Passed"

    def codes() -> list[int]:
        return [
            container["state"]["terminated"]["exitCode"]
            for pod in test.pods()
            for container in pod["status"]["containerStatuses"]
            if "terminated" in container["state"]
        ]

    wait_for("both pods to end", lambda: len(codes()) == 2, 30)
    assert codes() == [0, 0]
