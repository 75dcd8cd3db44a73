"""Without proof there is no load: each doubt ends the test with a reason and a hint of its own."""

import pytest

from localcluster.rest import Json
from support.loadtests import Namespace, Test, condition, message, reason

URL = "http://{host}:8000/clients/upload/process/"

REFUSED = {
    "ignores": ("LoadTestHeaderIgnored", "X-Load-Test"),
    "ignores-late": ("LoadTestHeaderIgnored", "X-Load-Test"),
    "unauthorized": ("AuthenticationFailed", "spec.target.auth"),
    "redirect": ("TargetRedirects", "SECURE_SSL_REDIRECT"),
    "wrong-url": ("WrongURL", "path"),
    "closed": ("ConnectionRefused", "port"),
}


@pytest.fixture(scope="module")
def tests(namespace: Namespace) -> dict[str, Test]:
    """All tests at once: each has a target of its own."""
    namespace.deploy("ignores", FAULT="ignores-header")
    namespace.deploy("ignores-late", FAULT="ignores-header", FAULT_REFUSES_EMPTY="1")
    namespace.deploy("unauthorized", FAULT="unauthorized")
    namespace.deploy("redirect", FAULT="redirect")
    namespace.deploy("sound")
    namespace.until_available("ignores", "ignores-late", "unauthorized", "redirect", "sound")
    urls = {name: URL.format(host=name) for name in ("ignores", "ignores-late", "unauthorized", "redirect")}
    urls["wrong-url"] = "http://sound:8000/clients/uploads/"
    urls["closed"] = _closed_service(namespace)
    return {name: namespace.start(name, target={"url": url, "timeout": "20s"}) for name, url in urls.items()}


def _closed_service(namespace: Namespace) -> str:
    """A Service whose pod is ready, though nothing listens on the port."""
    labels = {"app.kubernetes.io/name": "closed"}
    namespace.rest.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "closed", "labels": labels},
            "spec": {
                "containers": [{"name": "idle", "image": "django-target:dev", "command": ["sleep", "600"]}],
                "terminationGracePeriodSeconds": 0,
            },
        },
        namespace.name,
    )
    namespace.rest.apply(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "closed"},
            "spec": {"selector": labels, "ports": [{"port": 8000, "targetPort": 8000}]},
        },
        namespace.name,
    )
    return URL.format(host="closed")


@pytest.fixture(scope="module")
def ended(tests: dict[str, Test]) -> dict[str, Json]:
    return {name: test.until_completed() for name, test in tests.items()}


@pytest.mark.parametrize("name", REFUSED)
def test_it_fails_with_its_own_reason_and_a_hint(ended: dict[str, Json], name: str) -> None:
    status = ended[name]
    expected, hint = REFUSED[name]

    assert status["verdict"] == "Failed"
    assert reason(status, "Verified") == expected
    assert reason(status, "Succeeded") == expected
    assert reason(status, "Completed") == "Failed"
    assert condition(status, "Verified") == "False"
    assert condition(status, "Stalled") == "True"
    assert hint in status["message"]


@pytest.mark.parametrize("name", REFUSED)
def test_no_load_was_sent(ended: dict[str, Json], name: str) -> None:
    summary = ended[name]["summary"]

    assert summary["requests"]["due"] == 0
    assert "start" not in ended[name]


def test_a_target_that_ignores_the_header_stores_at_most_the_canary(
    namespace: Namespace, ended: dict[str, Json]
) -> None:
    assert {name: ended[name]["verdict"] for name in ("ignores", "ignores-late")} == {
        "ignores": "Failed",
        "ignores-late": "Failed",
    }

    assert sum(namespace.ledger("ignores", load_test=False)) == 0
    assert sum(namespace.ledger("ignores-late", load_test=False)) == 1
    assert namespace.ledger("ignores-late") == []


def test_the_canary_that_may_be_stored_is_named(ended: dict[str, Json]) -> None:
    status = ended["ignores-late"]

    (canary,) = status["verification"]["canaryIds"]
    assert canary in message(status, "Verified")


def test_pod_0_verified_alone(namespace: Namespace, tests: dict[str, Test], ended: dict[str, Json]) -> None:
    assert ended["ignores-late"]["verification"]["uploads"] == 2

    log = "".join(
        namespace.cluster.logs(namespace.name, pod["metadata"]["name"]) for pod in namespace.pods("ignores-late")
    )

    assert log.count("upload load_test=") == 1
    assert tests["ignores-late"].status["pods"]["verified"] == 0
