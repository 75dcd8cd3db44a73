"""Messages about ends: real receivers hear of them from an operator of the chart, and secrets stay secret."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import yaml

from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, wait_for
from support.loadtests import Namespace, Test, condition, kill_operator, make_namespace
from support.operators import operators, reinstall, reinstall_chart, restart_operator
from support.webhook_receiver import Answer, Receiver, receiver

pytestmark = pytest.mark.process_node("the receivers stand where only the operator of the local cluster reaches them")

SECRET = "T0PS3CRET"
SHORT = {"batchSize": 200, "virtualUsers": 1, "duration": "2s"}
QUIET = "of-others"


@dataclass(frozen=True)
class Receivers:
    slack: Receiver
    teams: Receiver
    events: Receiver
    failures: Receiver

    @property
    def file(self) -> Json:
        """The file of webhooks, with a secret in each address and in a header."""
        webhooks: list[Json] = [
            {"name": "chat", "format": "slack", "url": f"{self.slack.url}/services/{SECRET}"},
            {"name": "work", "format": "teams", "url": f"{self.teams.url}/run?sv=1.0&sig={SECRET}%2F%2B1"},
            {
                "name": "bus",
                "format": "cloudevents",
                "url": f"{self.events.url}/{SECRET}",
                "headers": {"Authorization": f"Bearer {SECRET}"},
            },
            {"name": "failures", "format": "slack", "url": f"{self.failures.url}/{SECRET}", "verdicts": ["Failed"]},
        ]
        return {"webhooks": [{**webhook, "namespaces": ["*messages-*"]} for webhook in webhooks]}


@pytest.fixture(scope="module")
def receivers() -> Iterator[Receivers]:
    with receiver() as slack, receiver() as teams, receiver() as events, receiver() as failures:
        yield Receivers(slack, teams, events, failures)


@pytest.fixture(scope="module", autouse=True)
def installation(rest: Rest, receivers: Receivers) -> Iterator[None]:
    """The chart with webhooks in a Secret."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "webhooks"},
        "stringData": {"webhooks.yaml": yaml.safe_dump(receivers.file)},
    }
    rest.apply(secret, OPERATOR_NAMESPACE)
    report_url = "https://reports.example.com/{namespace}/{name}?run={runId}"
    reinstall_chart(rest, {"messages.secret": "webhooks", "messages.reportUrl": report_url})
    yield
    reinstall(rest)


@pytest.fixture(scope="module", autouse=True)
def target(namespace: Namespace, installation: None) -> None:
    namespace.deploy_slow()
    namespace.until_available("clients")


def of_test(there: Receiver, test: Test) -> list[Json]:
    """The messages about a test that a receiver got."""
    return [message.json for message in there.messages if f"{test.namespace}/{test.name}," in message.body.decode()]


def sent(status: Json) -> dict[str, str]:
    messages = status.get("messages", ())
    return {message["webhook"]: message["state"] for message in messages if message["state"] != "Pending"}


@pytest.fixture(scope="module")
def failed(namespace: Namespace) -> Test:
    test = namespace.start("failing", load=SHORT, parallelism=1, thresholds=["p95 < 1ms"])
    assert test.until_completed()["verdict"] == "Failed"
    test.until("all messages sent", lambda status: len(sent(status)) == 4, 30)
    return test


def test_each_receiver_hears_once_of_the_end_in_its_own_form(failed: Test, receivers: Receivers) -> None:
    status = failed.status
    link = f"https://reports.example.com/{failed.namespace}/failing?run=1"

    (slack,), (teams,) = of_test(receivers.slack, failed), of_test(receivers.teams, failed)
    (event,) = [each.json for each in receivers.events.messages if each.json["data"]["uid"] == failed.uid]

    assert sent(status) == dict.fromkeys(("chat", "work", "bus", "failures"), "Sent")
    assert slack["text"] == f"LoadTest {failed.namespace}/failing, run 1: Failed"
    assert status["message"] in json.dumps(slack)
    assert link in json.dumps(slack)
    (attachment,) = teams["attachments"]
    assert attachment["content"]["actions"][0]["url"] == link
    assert event["id"] == f"{failed.uid}/1/{status['completedAt']}"
    assert event["data"]["summary"] == status["summary"]
    assert event["data"]["verdict"] == "Failed"
    assert event["data"]["reportUrl"] == link


def test_an_address_is_used_as_it_was_written(failed: Test, receivers: Receivers) -> None:
    assert {message.path for message in receivers.teams.messages} == {f"/run?sv=1.0&sig={SECRET}%2F%2B1"}
    assert {message.headers["Authorization"] for message in receivers.events.messages} == {f"Bearer {SECRET}"}


def test_of_the_addresses_nothing_is_in_any_log_status_or_event(cluster: Cluster, rest: Rest, failed: Test) -> None:
    logs = [cluster.logs(OPERATOR_NAMESPACE, pod["metadata"]["name"]) for pod in operators(rest)]

    texts = [*logs, json.dumps(failed.get()), json.dumps(failed.events())]

    assert "webhook chat was told of its end" in "".join(logs)
    assert not any(SECRET in text for text in texts)


def test_a_receiver_hears_only_of_the_verdicts_and_namespaces_that_it_asks_for(
    cluster: Cluster, rest: Rest, namespace: Namespace, receivers: Receivers
) -> None:
    other = make_namespace(cluster, rest, QUIET)
    other.deploy_slow()
    other.until_available("clients")
    unheard = other.start("quiet", load=SHORT, parallelism=1)
    heard = namespace.start("passing", load=SHORT, parallelism=1)

    status = heard.until("three messages sent", lambda status: len(sent(status)) == 3)

    assert unheard.until_completed()["verdict"] == status["verdict"] == "Passed"
    assert set(sent(status)) == {"chat", "work", "bus"}
    assert of_test(receivers.failures, heard) == []
    assert of_test(receivers.slack, unheard) == []
    assert "messages" not in unheard.status
    rest.delete(f"/api/v1/namespaces/{other.name}")


def test_a_test_that_never_loaded_is_told_of_too(namespace: Namespace, receivers: Receivers) -> None:
    test = namespace.start("stopped", load=SHORT, parallelism=1, stop=True)

    test.until("three messages sent", lambda status: len(sent(status)) == 3, 30)

    assert len(of_test(receivers.slack, test)) == 1


def test_a_receiver_that_fails_delays_no_verdict_and_hears_of_it_after_the_operator_was_killed(
    cluster: Cluster, rest: Rest, namespace: Namespace, receivers: Receivers
) -> None:
    receivers.slack.answers += [Answer(503)] * 2 + [Answer(503, {"Retry-After": "600"})]
    test = namespace.start("over-a-kill", load=SHORT, parallelism=1)
    status = test.until_completed()
    test.until("the others told", lambda status: set(sent(status)) == {"work", "bus"}, 30)
    wait_for("three attempts", lambda: len(of_test(receivers.slack, test)) == 3, 30)

    kill_operator(cluster, rest)

    after = test.until("all told", lambda status: len(sent(status)) == 3, 60)
    assert (status["verdict"], sent(after)["chat"]) == ("Passed", "Sent")
    assert after["completedAt"] == status["completedAt"]
    assert condition(after, "Succeeded") == "True"
    messages = [
        message
        for message in receivers.slack.messages
        if message.headers["Idempotency-Key"] == f"{test.uid}/1/{status['completedAt']}"
    ]
    assert len({message.body for message in messages}) == 1
    assert len(messages) == 4


def test_an_operator_that_starts_anew_tells_nobody_again(
    rest: Rest, namespace: Namespace, receivers: Receivers, failed: Test
) -> None:
    counts = [len(there.messages) for there in (receivers.slack, receivers.teams, receivers.events)]

    restart_operator(rest)
    # A test that completes after it was seen by the new operator shows that this one looked at all of them.
    last = namespace.start("last", load=SHORT, parallelism=1)
    last.until("three messages sent", lambda status: len(sent(status)) == 3)

    assert [len(there.messages) for there in (receivers.slack, receivers.teams, receivers.events)] == [
        count + 1 for count in counts
    ]
    assert len(of_test(receivers.slack, failed)) == 1
