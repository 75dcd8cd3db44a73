"""A target whose pods come and go while the load runs."""

import re

from loadtests import Namespace
from localcluster.rest import Json

TARGET = {"url": "http://clients:8000/clients/upload/process/", "timeout": "20s"}
LONG = {"batchSize": 200, "virtualUsers": 2, "duration": "300s", "thinkTime": "200ms"}


def addresses(pods: list[Json]) -> set[str]:
    return {f"{pod['status']['podIP']}:8000" for pod in pods}


def test_a_rollout_under_load_moves_it_to_the_new_pods_and_never_to_one_that_ignores_the_header(
    namespace: Namespace,
) -> None:
    namespace.deploy()
    namespace.deploy("ignorant", FAULT="ignores-header", FAULT_REFUSES_EMPTY="1")
    namespace.available("ignorant")
    namespace.scale("clients", 2)
    old = addresses(namespace.pods())
    (stranger,) = namespace.pods("ignorant")
    target = {**TARGET, "workload": {"kind": "Deployment", "name": "clients"}}
    test = namespace.start("rolled", load=LONG, target=target)
    test.running()

    namespace.roll_out("clients")
    namespace.join(stranger, "clients")
    strange = addresses([stranger])

    def moved(status: Json) -> bool:
        seen = status.get("verification") or {}
        return old <= set(seen.get("vanished", ())) and strange <= set(seen.get("unverified", ()))

    test.until("its target rolled out", moved, 90)
    new = addresses(namespace.pods()) - old - strange
    test.until("verified at both new pods", lambda status: new <= set(status["verification"]["addresses"]), 30)
    test.patch(stop=True)
    status = test.completed()

    seen = status["target"]
    assert (seen["rolledOut"], seen["restarts"], seen["replacedPods"]) == (True, 0, 0)
    assert any("was rolled out while the load ran" in text for text in status["health"]["evidence"])
    (step,) = test.results(status)["steps"]
    spread = step["addresses"]
    assert len(new) == 2
    assert set(spread) == old | new
    assert all(spread[address]["accepted"] > 0 for address in new)
    assert status["summary"]["errors"].get("no_address", 0) == 0
    assert not any("went down" in text for text in status["health"]["evidence"]), spread
    # Of the two pods only the first met the stranger, and it stopped at the canary.
    met = namespace.cluster.logs(namespace.name, stranger["metadata"]["name"])
    assert re.findall(r"upload load_test=\w+ rows=\d+ status=200", met) == ["upload load_test=false rows=1 status=200"]
