"""What the operator tells Prometheus, in the eyes of Prometheus' own tool."""

import subprocess

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from loadtest_model.snapshot import PodState
from loadtest_operator.decide import decide
from loadtest_operator.metrics import OperatorMetrics, RunMetrics
from operator_builders import POLICY, a_pod, next_look, seen
from peers import PeerMissingError, prometheus_programs


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
    running = seen(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True)
    tests.show(running, decide(running, POLICY))
    done = seen(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True)
    decision = decide(done, POLICY)
    tests.show(next_look(done, decision), decision)
    own.answered("GET", 200)

    checked = subprocess.run(
        [promtool, "check", "metrics"], input=generate_latest(registry), capture_output=True, check=False
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
