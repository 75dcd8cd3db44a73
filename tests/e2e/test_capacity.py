"""A climb in the cluster, against a target whose capacity is known: four workers, each busy for 0.8 s an upload.

So many virtual users wait a fifth of a second each for one another: 8 of them for 1.6 s, and 16 for 3.2 s.
"""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from localcluster.cluster import Cluster
from localcluster.rest import Json, Rest
from peers.readers_of_status import kubectl
from support.loadtests import Namespace, Test, reason

EXAMPLE = yaml.safe_load((Path(__file__).parents[2] / "examples" / "loadtest-capacity.yaml").read_text())["spec"]
LOAD = {"batchSize": 50, "capacity": {"from": 4, "to": 32, "factor": 2, "plateau": "10s", "required": 4}}


@pytest.fixture(scope="module")
def test(namespace: Namespace) -> Test:
    namespace.deploy_slow()
    namespace.until_available("clients")
    # The example with shorter plateaus, and with a bound that fits the target.
    spec = {**EXAMPLE, "load": LOAD, "thresholds": ["error_rate < 5%", "p95 < 2400ms"]}
    return namespace.start("climb", **spec)


@pytest.fixture(scope="module")
def status(test: Test) -> Json:
    return test.until_completed()


def test_it_finds_the_known_capacity_and_passes(status: Json) -> None:
    capacity = status["capacity"]

    assert (status["verdict"], capacity["limitedBy"]) == ("Passed", "Threshold"), status["message"]
    # One step of the ladder beside the known place is as close as its plateaus can tell.
    assert capacity["held"] in (4, 8, 16)
    assert capacity.get("atLeast", False) is False
    assert capacity["uploadsPerSecond"] == pytest.approx(5, abs=1.5)
    assert capacity["recordsPerSecond"] == pytest.approx(50 * capacity["uploadsPerSecond"], rel=0.01)
    assert "p95 < 2400ms is breached" in capacity["limit"]


def test_the_end_of_the_climb_is_the_recorded_reason_and_no_upload_was_cut(status: Json) -> None:
    assert reason(status, "Running") == "CapacityFound"
    assert status["progress"]["percent"] < 100
    requests = status["summary"]["requests"]
    assert requests["due"] == requests["accepted"]


def test_kubectl_shows_what_the_target_can_take(cluster: Cluster, namespace: Namespace, status: Json) -> None:
    command = [str(kubectl()), f"--kubeconfig={cluster.kubeconfig}", f"--namespace={namespace.name}"]

    wide = subprocess.check_output([*command, "get", "xlt", "-o", "wide"], text=True)
    story = subprocess.check_output([*command, "describe", "xlt", "climb"], text=True)

    assert f"{status['capacity']['held']:g} VUs" in wide
    assert f"Capacity: {status['capacity']['held']:g} virtual users held" in story


def test_the_results_have_every_plateau(rest: Rest, namespace: Namespace, status: Json) -> None:
    name = status["results"]["configMap"]
    results = rest.call("GET", f"/api/v1/namespaces/{namespace.name}/configmaps/{name}")

    capacity = json.loads(results["data"]["summary.json"])["capacity"]

    assert capacity["held"] == status["capacity"]["held"]
    assert capacity["plateaus"][-1]["state"] in ("NotHeld", "Unfinished")
    assert sum(plateau["uploads"] for plateau in capacity["plateaus"]) <= status["summary"]["requests"]["due"]
