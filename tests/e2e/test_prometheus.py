"""What a real Prometheus knows of a test that it watched, its operator killed in the middle."""

import math
import subprocess
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from loadtest_operator.program.metrics import RESPONSE_BOUNDS_SECONDS
from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, wait_for
from peers import PeerMissingError, prometheus_programs
from support.loadtests import Namespace
from support.prometheus_server import Prometheus, running_prometheus


@pytest.fixture(scope="module")
def programs() -> tuple[Path, Path]:
    try:
        return prometheus_programs()
    except PeerMissingError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def operator_pod(cluster: Cluster, rest: Rest) -> Json:
    (pod,) = rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", "app.kubernetes.io/name=loadtest-operator")
    return pod


@pytest.fixture(scope="module")
def address(operator_pod: Json) -> str:
    return f"{operator_pod['status']['podIP']}:8080"


@pytest.fixture(scope="module")
def prometheus(programs: tuple[Path, Path], address: str) -> Iterator[Prometheus]:
    with running_prometheus(programs[0], address) as made:
        yield made


def test_prometheus_agrees_with_the_status_whatever_becomes_of_the_operator(
    cluster: Cluster, namespace: Namespace, operator_pod: Json, prometheus: Prometheus
) -> None:
    namespace.deploy()
    namespace.until_available("clients")
    test = namespace.start("watched", load={"batchSize": 200, "virtualUsers": 2, "duration": "20s"})
    labels = f'namespace="{test.namespace}",test="watched"'
    accepted = f'loadtest_uploads_total{{{labels},outcome="accepted"}}'
    wait_for("uploads to be scraped", lambda: prometheus.value(accepted), 60)
    users = f"sum(loadtest_virtual_users{{{labels}}}) == 2"
    wait_for("both virtual users to be scraped", lambda: prometheus.value(users), 15)

    cluster.kill(OPERATOR_NAMESPACE, operator_pod["metadata"]["name"])
    status = test.until_completed()
    verdict = f'loadtest_verdict{{{labels},verdict="{status["verdict"]}"}} == 1'
    wait_for("the verdict to be scraped", lambda: prometheus.value(verdict), 30)

    summary = status["summary"]
    for outcome in ("accepted", "rejected", "unknown", "violation"):
        value = prometheus.value(f'loadtest_uploads_total{{{labels},outcome="{outcome}"}}')
        assert value == summary["requests"][outcome]
    assert prometheus.value(f"loadtest_records_confirmed_total{{{labels}}}") == summary["records"]["confirmed"]
    times = summary["responseTimeSeconds"]
    assert prometheus.value(f"loadtest_response_seconds_count{{{labels}}}") == times["samples"]
    counters = {
        series["__name__"]
        for series, _ in prometheus.query(f'{{{labels},__name__=~"loadtest_.+_(total|bucket|count|sum)"}}')
    }
    assert len(counters) > 6
    for counter in counters:
        resets = prometheus.query(f"resets({counter}{{{labels}}}[10m])")
        assert {value for _, value in resets} == {0}, counter
    for quantile, name in ((0.5, "p50"), (0.95, "p95")):
        estimated = prometheus.value(f"histogram_quantile({quantile}, loadtest_response_seconds_bucket{{{labels}}})")
        assert estimated is not None
        below, above = bucket_of(times[name])
        assert below <= estimated <= above
    for result in status["thresholds"]:
        at = f'{{{labels},threshold="{result["expression"]}"}}'
        assert prometheus.value(f"loadtest_threshold_value{at}") == pytest.approx(result["value"], rel=1e-5)
        assert prometheus.value(f"loadtest_threshold_passed{at}") == float(result["passed"])
    assert prometheus.value(f'loadtest_health{{{labels},level="{status["health"]["level"]}"}}') == 1

    assert prometheus.value("loadtest_operator_at_work") == 1
    assert prometheus.value('sum(loadtest_operator_api_requests_total{verb="PATCH",code="200"})')

    namespace.rest.delete(test.path)
    every = f'{{{labels},__name__=~"loadtest_.+"}}'
    wait_for("the series of the deleted test to be gone", lambda: not prometheus.query(every), 30)


def bucket_of(seconds: float) -> tuple[float, float]:
    """The bounds of the histogram's bucket that holds a value known to a hundredth of itself."""
    bounds = (0.0, *RESPONSE_BOUNDS_SECONDS, math.inf)
    held = [bucket for bucket in pairwise(bounds) if bucket[0] < 1.01 * seconds and 0.99 * seconds <= bucket[1]]
    return held[0][0], held[-1][1]


def test_a_running_operators_metrics_follow_the_conventions(programs: tuple[Path, Path], address: str) -> None:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        exposition = answer.read()

    checked = subprocess.run(
        [programs[1], "check", "metrics"], input=exposition, capture_output=True, check=False, timeout=60
    )

    assert (checked.returncode, checked.stdout.decode(), checked.stderr.decode()) == (0, "", "")
