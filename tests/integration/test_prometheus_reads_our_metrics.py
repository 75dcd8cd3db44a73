"""What the operator tells Prometheus, in the eyes of Prometheus' own tool."""

import json
import re
import subprocess
from pathlib import Path

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


def test_the_example_alerts_fire_for_a_violation_and_an_absent_operator_and_for_nothing_else(
    promtool: str, tmp_path: Path
) -> None:
    labels = 'namespace="shop",test="heavy"'
    series = {
        f'loadtest_uploads_total{{{labels},step="heavy",outcome="violation"}}': "0+0x9 1+0x10",
        f'loadtest_verdict{{{labels},verdict="Failed"}}': "0+0x20 1+0x10",
        f"loadtest_never_loaded{{{labels}}}": "0+0x20 1+0x5 0+0x5",
        "loadtest_operator_at_work": "1+0x20",
        "loadtest_operator_reconcile_errors_total": "0+0x20",
        'loadtest_operator_api_requests_total{verb="PATCH",code="200"}': "0+60x20",
    }
    violation = {"severity": "critical", "namespace": "shop", "test": "heavy"}
    absent = {"severity": "warning"}
    failed = {"severity": "warning", "namespace": "shop", "test": "heavy"}
    verdict_failed = {**failed, "verdict": "Failed"}
    quiet = [name for name in re.findall(r"alert: (\w+)", ALERTS.read_text()) if name != "LoadTestViolation"]
    expected = [
        {"eval_time": "5m", "alertname": "LoadTestViolation", "exp_alerts": []},
        {"eval_time": "15m", "alertname": "LoadTestViolation", "exp_alerts": [{"exp_labels": violation}]},
        *({"eval_time": "15m", "alertname": name, "exp_alerts": []} for name in quiet),
        {"eval_time": "23m", "alertname": "LoadTestFailed", "exp_alerts": []},
        {"eval_time": "23m", "alertname": "LoadTestNeverLoaded", "exp_alerts": [{"exp_labels": failed}]},
        {"eval_time": "30m", "alertname": "LoadTestFailed", "exp_alerts": [{"exp_labels": verdict_failed}]},
        {"eval_time": "30m", "alertname": "LoadTestNeverLoaded", "exp_alerts": []},
        {"eval_time": "50m", "alertname": "LoadTestOperatorAbsent", "exp_alerts": [{"exp_labels": absent}]},
    ]
    for case in expected:
        for alert in case["exp_alerts"]:
            alert["exp_annotations"] = annotations_of(case["alertname"])
    test = {
        "rule_files": [str(ALERTS)],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": expected,
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
    rules = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
    said: dict[str, str] = next(rule["annotations"] for rule in rules if rule["alert"] == alert)
    named = {"namespace": "shop", "test": "heavy"}
    return {
        key: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: named[match[1]], text) for key, text in said.items()
    }
