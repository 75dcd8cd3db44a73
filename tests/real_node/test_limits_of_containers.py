"""Memory and CPU limits, as a kernel enforces them."""

from localcluster.rest import Json
from support.loadtests import Namespace, condition, message

LONG = {"batchSize": 10_000, "virtualUsers": 2, "duration": "60s"}


def said(status: Json) -> str:
    return " ".join([*status.get("reasons", ()), message(status, "Succeeded"), status.get("message", "")])


def test_a_pod_that_outgrows_its_memory_limit_is_called_that(namespace: Namespace) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")
    limits = {"limits": {"memory": "32Mi"}, "requests": {"memory": "32Mi"}}

    status = namespace.start("outgrown", load=LONG, parallelism=1, pod={"resources": limits}).until_completed()

    assert status["verdict"] == "Inconclusive", status
    assert "memory" in said(status)
    assert condition(status, "Verified") != "True"


def test_a_target_that_outgrows_its_memory_limit_is_blamed_for_that(namespace: Namespace) -> None:
    namespace.deploy("hungry", WEB_CONCURRENCY="1")
    (document,) = [namespace.rest.call("GET", namespace.deployment("hungry"))]
    (container,) = document["spec"]["template"]["spec"]["containers"]
    # Enough to start and for the small files of the verification, too little for a whole batch.
    container["resources"] = {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "88Mi"}}
    namespace.change_deployment("hungry", {"template": {"spec": {"containers": [container]}}})
    namespace.until_available("hungry")
    target = {"url": "http://hungry:8000/clients/upload/process/", "timeout": "20s"}
    large = {"batchSize": 200_000, "virtualUsers": 1, "duration": "20s"}

    status = namespace.start("overfed", target=target, load=large, parallelism=1).until_completed()

    assert status["verdict"] == "Failed", status
    assert "memory" in said(status)
    assert namespace.ledger("hungry", load_test=False) == []


def test_a_fleet_short_of_cpu_does_not_fail_its_target(namespace: Namespace) -> None:
    limits = {"limits": {"cpu": "100m", "memory": "256Mi"}, "requests": {"cpu": "20m", "memory": "64Mi"}}
    short = {"batchSize": 10_000, "virtualUsers": 4, "duration": "15s"}

    status = namespace.start("starved", load=short, parallelism=1, pod={"resources": limits}).until_completed()

    assert status["verdict"] in ("Passed", "Inconclusive"), status


def test_a_pod_too_slow_to_verify_is_told_of_its_cpu_limit(namespace: Namespace) -> None:
    limits = {"limits": {"cpu": "10m", "memory": "256Mi"}, "requests": {"cpu": "10m", "memory": "64Mi"}}

    test = namespace.start("choked", load=LONG, parallelism=1, pod={"resources": limits})
    status = test.until(
        "an explanation", lambda s: "10m" in message(s, "Verified") or condition(s, "Completed") == "True", 420
    )

    assert "10m" in said(status) + message(status, "Verified"), status
