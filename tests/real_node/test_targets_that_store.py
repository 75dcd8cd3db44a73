"""Two targets that store what they are asked not to: one from the start, one in the middle of the load."""

from datetime import datetime
from itertools import pairwise

from loadtest_model.plan.exposure import STOP_SECONDS
from support.loadtests import Namespace, reason

LONG = {"batchSize": 500, "virtualUsers": 4, "duration": "120s"}


def test_one_that_ignores_the_header_gets_no_load_and_stores_the_canary_at_most(namespace: Namespace) -> None:
    namespace.deploy("ignorant", FAULT="ignores-header")
    namespace.until_available("ignorant")
    target = {"url": "http://ignorant:8000/clients/upload/process/", "timeout": "20s"}

    status = namespace.start("refused", target=target, load=LONG).until_completed()

    assert (status["verdict"], reason(status, "Verified")) == ("Failed", "LoadTestHeaderIgnored")
    assert sum(namespace.ledger("ignorant", load_test=False)) == 0


def test_one_that_forgets_it_halts_the_fleet_at_once_and_stores_no_more_than_was_said(namespace: Namespace) -> None:
    namespace.deploy("forgetful", FAULT="loses-marker", FAULT_AFTER="25")
    namespace.until_available("forgetful")
    target = {"url": "http://forgetful:8000/clients/upload/process/", "timeout": "20s"}

    status = namespace.start("halted", target=target, load=LONG).until_completed()

    assert (status["verdict"], reason(status, "Succeeded")) == ("Failed", "Violation")
    assert 0 < sum(namespace.ledger("forgetful", load_test=False)) <= status["plan"]["exposedRows"]
    (pod,) = namespace.pods("forgetful")
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod['metadata']['name']}/log"
    log = namespace.rest.text("GET", path, query={"timestamps": "true"}).splitlines()
    uploads = [line for line in log if " upload load_test=" in line]
    times = [datetime.fromisoformat(line.split(" ")[0][:26] + "+00:00") for line in uploads]
    first = next(index for index, line in enumerate(uploads) if "load_test=false" in line)
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert (times[-1] - times[first]).total_seconds() <= STOP_SECONDS
