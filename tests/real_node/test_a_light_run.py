"""The first run of a new user, in a namespace that takes only restricted pods."""

from loadtests import Namespace

SHORTER = {"duration": "15s"}


def test_light_passes_and_django_counted_what_the_status_says(namespace: Namespace) -> None:
    namespace.deploy_unhurried()
    namespace.available("clients")

    status = namespace.start(scenario="light", load=SHORTER, parallelism=1).completed()

    assert status["verdict"] == "Passed", status
    uploads = namespace.ledger()
    proof = status["verification"]
    assert len(uploads) == status["summary"]["requests"]["accepted"] + proof["uploads"]
    assert sum(uploads) == status["summary"]["records"]["confirmed"] + proof["rows"]
    assert namespace.ledger(load_test=False) == []


def test_what_the_pods_of_a_run_wrote_can_be_read_with_kubectl_logs(namespace: Namespace) -> None:
    test = namespace.start("logged", scenario="light", load=SHORTER, parallelism=1)
    test.completed()
    (pod,) = test.pods()

    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod['metadata']['name']}/log"
    log = namespace.rest.text("GET", path)

    assert '"event": "done"' in log
    assert log == namespace.cluster.logs(namespace.name, pod["metadata"]["name"])
