"""What a real Prometheus knows of tests that it watched: in numbers, in alerts, and in the queries of the dashboard."""

import math
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from loadtest_operator.program.run_families import RESPONSE_BOUNDS_SECONDS
from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, wait_for
from peers import PeerMissingError, prometheus_programs
from support.dashboard import label_values, queries, variables
from support.loadtests import Namespace, Test
from support.prometheus_server import Prometheus, running_prometheus
from tools.committed_files import REPOSITORY

ALERTS = REPOSITORY / "examples" / "prometheus" / "alerts.yaml"
RATE_INTERVAL = "10s"
THROTTLED = "loadtest_generator_throttled_ratio"


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
    with running_prometheus(programs[0], address, [ALERTS]) as made:
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


@pytest.fixture(scope="module")
def flawed(namespace: Namespace) -> Test:
    """A test that runs, whose target fails every fourth upload."""
    namespace.deploy("flawed", FAULT="some-errors", FAULT_EVERY="4")
    namespace.until_available("flawed")
    target = {"url": "http://flawed:8000/clients/upload/process/", "timeout": "20s"}
    return namespace.start("flawed", target=target, load={"batchSize": 200, "virtualUsers": 2, "duration": "20s"})


def test_every_query_of_the_dashboard_has_a_result(namespace: Namespace, flawed: Test, prometheus: Prometheus) -> None:
    unanswered = {
        query: query.with_values(RATE_INTERVAL, namespace=namespace.name, test="flawed") for query in queries()
    }

    def are_answered() -> bool:
        if prometheus.query("loadtest_generator_loop_lag_seconds") and not prometheus.query(THROTTLED):
            # Not every system tells how much it throttles.
            for query in [query for query in unanswered if THROTTLED in query.expression]:
                del unanswered[query]
        for query, expression in list(unanswered.items()):
            if any(not math.isnan(value) for _, value in prometheus.query(expression)):
                del unanswered[query]
        return not unanswered

    try:
        wait_for("every query to have a result", are_answered, 90)
    except TimeoutError as error:
        raise AssertionError(f"{error}; without a result: {sorted(unanswered.values())}") from None


def test_the_variables_of_the_dashboard_offer_the_tests_that_exist(
    namespace: Namespace, flawed: Test, prometheus: Prometheus
) -> None:
    wait_for("the test to be scraped", lambda: prometheus.query('loadtest_phase{test="flawed"}'), 30)
    selector, label = label_values(variables()["namespace"])
    assert namespace.name in prometheus.label_values(label, selector)

    selector, label = label_values(variables()["test"])
    assert "flawed" in prometheus.label_values(label, selector.replace("$namespace", namespace.name))


def test_alerts_fire_for_a_test_that_failed_and_one_that_loaded_nothing(
    namespace: Namespace, flawed: Test, prometheus: Prometheus
) -> None:
    flawed.until_completed()
    namespace.start("misdirected", target={"url": "http://flawed:8000/nowhere/"}).until_completed()

    def are_firing() -> bool:
        return fired_for("LoadTestFailed") == {"flawed"} and fired_for("LoadTestNeverLoaded") == {"misdirected"}

    def fired_for(name: str) -> set[str]:
        alerts = prometheus.alerts()[name]["alerts"]
        return {
            alert["labels"]["test"]
            for alert in alerts
            if alert["state"] == "firing" and alert["labels"]["namespace"] == namespace.name
        }

    wait_for("both alerts to fire", are_firing, 30)
    assert {name: rule["lastError"] for name, rule in prometheus.alerts().items() if rule["health"] != "ok"} == {}


def test_every_series_that_an_alert_is_about_exists(flawed: Test, prometheus: Prometheus) -> None:
    flawed.until_completed()
    wait_for("the verdict to be scraped", lambda: prometheus.query('loadtest_verdict{test="flawed"}'), 30)
    selectors = {
        selector
        for rule in prometheus.alerts().values()
        for selector in re.findall(r"loadtest_\w+(?:\{[^}]*\})?", rule["query"])
    }

    # The API server refuses nothing in this cluster; the tests of promtool provoke that.
    absent = {selector for selector in selectors if not prometheus.query(selector)}
    assert len(selectors) >= len(prometheus.alerts())
    assert all("code=~" in selector for selector in absent), absent


def test_the_metrics_of_a_running_operator_and_its_tests_follow_the_conventions(
    programs: tuple[Path, Path], address: str, flawed: Test
) -> None:
    flawed.until_running()
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        exposition = answer.read()

    checked = subprocess.run(
        [programs[1], "check", "metrics"], input=exposition, capture_output=True, check=False, timeout=60
    )

    assert b'test="flawed"' in exposition
    assert (checked.returncode, checked.stdout.decode(), checked.stderr.decode()) == (0, "", "")
