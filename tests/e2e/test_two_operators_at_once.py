"""Two operators without a Lease at once, as while a Deployment is replaced: each test still has one course."""

from collections.abc import Iterator

import pytest

from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, wait_until_available
from localcluster.rest import Rest, wait_for
from support.loadtests import Namespace, reason

DEPLOYMENTS = f"/apis/apps/v1/namespaces/{OPERATOR_NAMESPACE}/deployments"
TWIN = f"{OPERATOR}-twin"
SHORT = {"batchSize": 200, "virtualUsers": 2, "duration": "3s", "thinkTime": "200ms"}


@pytest.fixture
def twin(rest: Rest) -> Iterator[None]:
    """Another operator beside the first, which knows nothing of it."""
    deployment = rest.call("GET", f"{DEPLOYMENTS}/{OPERATOR}")
    template = deployment["spec"]["template"]
    labels = {**template["metadata"]["labels"], "app.kubernetes.io/name": TWIN}
    template["metadata"]["labels"] = labels
    spec = {"replicas": 1, "selector": {"matchLabels": {"app.kubernetes.io/name": TWIN}}, "template": template}
    metadata = {"name": TWIN, "namespace": OPERATOR_NAMESPACE}
    rest.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})
    wait_until_available(rest, OPERATOR_NAMESPACE, TWIN)
    yield
    rest.delete(f"{DEPLOYMENTS}/{TWIN}")
    pods = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods"
    wait_for("the other operator to be gone", lambda: not rest.items(pods, f"app.kubernetes.io/name={TWIN}"), 60)


@pytest.mark.usefixtures("twin")
def test_tests_that_two_operators_look_after_pass_as_with_one(namespace: Namespace) -> None:
    namespace.deploy()
    namespace.until_available("clients")

    for number in range(6):
        status = namespace.start(f"shared-{number}", load=SHORT).until_completed()

        assert (status["verdict"], reason(status, "ResultsComplete")) == ("Passed", "AllPodsReported"), status
