"""What the operator tells Prometheus, in the eyes of Prometheus' own tool."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from loadtest_model.measurement.snapshot import PodState
from loadtest_operator.decide import decide
from loadtest_operator.program.metrics import OperatorMetrics, RunMetrics
from peers import PeerMissingError, prometheus_programs
from support.operator_builders import POLICY, a_pod, an_observation, next_observation

REPOSITORY = Path(__file__).resolve().parents[2]
ALERTS = REPOSITORY / "examples" / "prometheus" / "alerts.yaml"


@pytest.fixture(scope="module")
def promtool() -> str:
    try:
        _, program = prometheus_programs()
    except PeerMissingError as missing:
        pytest.skip(str(missing))
    return str(program)


def test_names_types_units_and_help_follow_the_conventions(promtool: str) -> None:
    registry = CollectorRegistry()
    tests, own = RunMetrics(), OperatorMetrics(registry)
    registry.register(tests)
    running = an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True)
    tests.show(running, decide(running, POLICY))
    done = an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True)
    decision = decide(done, POLICY)
    tests.show(next_observation(done, decision), decision)
    own.count_answer("GET", 200)

    checked = subprocess.run(
        [promtool, "check", "metrics"], input=generate_latest(registry), capture_output=True, check=False
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


def test_the_example_alerts_are_understood_and_know_only_our_metrics(promtool: str) -> None:
    checked = subprocess.run([promtool, "check", "rules", ALERTS], capture_output=True, text=True, check=False)
    named = set(re.findall(r"loadtest_\w+", ALERTS.read_text()))

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert len(named) > 5
    assert {name for name in named if f"`{name}`" not in (REPOSITORY / "docs" / "metrics.md").read_text()} == set()


TEST = 'namespace="shop",test="heavy"'
OF_THE_TEST = {"namespace": "shop", "test": "heavy"}
WARNING = {"severity": "warning"}


@dataclass(frozen=True)
class Provocation:
    """What makes an alert fire: series with a value for each minute, over those of an operator that is well."""

    series: Mapping[str, str]
    labels: Mapping[str, str]
    quiet_at: str = "1m"
    fires_at: str = "20m"


WELL = {
    "loadtest_operator_at_work": "1+0x30",
    "loadtest_operator_reconcile_errors_total": "0+0x30",
    "loadtest_operator_scrape_failures_total": "0+0x30",
    'loadtest_operator_api_requests_total{verb="PATCH",code="200"}': "0+60x30",
    f'loadtest_uploads_total{{{TEST},step="heavy",outcome="violation"}}': "0+0x30",
    f'loadtest_verdict{{{TEST},verdict="Failed"}}': "0+0x30",
    f"loadtest_never_loaded{{{TEST}}}": "0+0x30",
    f'loadtest_health{{{TEST},level="Critical"}}': "0+0x30",
}
PROVOCATIONS = {
    "LoadTestViolation": Provocation(
        {f'loadtest_uploads_total{{{TEST},step="heavy",outcome="violation"}}': "0+0x9 1+0x20"},
        {"severity": "critical", **OF_THE_TEST},
        quiet_at="5m",
    ),
    "LoadTestFailed": Provocation(
        {f'loadtest_verdict{{{TEST},verdict="Failed"}}': "0+0x9 1+0x20"}, {**WARNING, **OF_THE_TEST}
    ),
    "LoadTestNeverLoaded": Provocation(
        {
            f'loadtest_verdict{{{TEST},verdict="Failed"}}': "0+0x9 1+0x20",
            f"loadtest_never_loaded{{{TEST}}}": "0+0x9 1+0x20",
        },
        {**WARNING, **OF_THE_TEST},
    ),
    "LoadTestTargetCritical": Provocation(
        {f'loadtest_health{{{TEST},level="Critical"}}': "0+0x9 1+0x20"}, {**WARNING, **OF_THE_TEST}
    ),
    "LoadTestOperatorFailing": Provocation({"loadtest_operator_reconcile_errors_total": "0+2x30"}, WARNING),
    "LoadTestPodsSilent": Provocation({"loadtest_operator_scrape_failures_total": "0+60x30"}, WARNING),
    "LoadTestOperatorRefusedByAPI": Provocation(
        {'loadtest_operator_api_requests_total{verb="PATCH",code="403"}': "0+60x30"}, WARNING
    ),
    "LoadTestOperatorAbsent": Provocation({"loadtest_operator_at_work": "1+0x3 0+0x27"}, WARNING),
}


def alerts() -> dict[str, dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def test_each_alert_is_provoked_in_a_test() -> None:
    assert set(PROVOCATIONS) == set(alerts())


@pytest.mark.parametrize("name", PROVOCATIONS)
def test_an_alert_fires_for_what_it_is_about_and_no_other_does(promtool: str, tmp_path: Path, name: str) -> None:
    provocation = PROVOCATIONS[name]
    fired = {"exp_labels": provocation.labels, "exp_annotations": annotations_of(name)}
    test = {
        "rule_files": [str(ALERTS)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": series, "values": values} for series, values in {**WELL, **provocation.series}.items()
                ],
                "alert_rule_test": [
                    {"eval_time": provocation.quiet_at, "alertname": name, "exp_alerts": []},
                    {"eval_time": provocation.fires_at, "alertname": name, "exp_alerts": [fired]},
                    *(
                        {"eval_time": provocation.fires_at, "alertname": other, "exp_alerts": []}
                        for other in PROVOCATIONS
                        if other != name
                    ),
                ],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(json.dumps(test))

    tested = subprocess.run(
        [promtool, "test", "rules", tmp_path / "test.yaml"], capture_output=True, text=True, check=False
    )

    assert tested.returncode == 0, tested.stdout + tested.stderr


def annotations_of(alert: str) -> dict[str, str]:
    """What an alert says of the test in this file."""
    return {
        key: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: OF_THE_TEST[match[1]], text)
        for key, text in alerts()[alert]["annotations"].items()
    }
