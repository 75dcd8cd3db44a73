"""What the page about the time after the end shows is what the programs read and write."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from loadtest_model.spec.retention import DEFAULT_KEEP, Retention
from loadtest_operator.decide.afterwards import MESSAGE_SECONDS
from loadtest_operator.messages.ended_run import EndedRun
from loadtest_operator.messages.forms import MessageFormat, message_of
from loadtest_operator.messages.messenger import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS
from loadtest_operator.messages.sending import ATTEMPT_SECONDS
from loadtest_operator.messages.webhooks import Webhook, read_webhooks
from support.builders import IDENTITY

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "after-the-end.md").read_text()
ALERTS = yaml.safe_load((ROOT / "examples" / "prometheus" / "alerts.yaml").read_text())


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block_with(word: str) -> str:
    (text,) = [each for each in blocks("yaml") if word in each]
    return text


def test_the_file_of_webhooks_on_the_page_is_read_and_shows_every_format() -> None:
    webhooks = read_webhooks(block_with("webhooks:"))

    assert {webhook.format for webhook in webhooks} == set(MessageFormat)


def test_the_table_has_every_field_of_a_webhook() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)

    assert rows == ["name", "format", "url", "verdicts", "namespaces", "headers", "certificateAuthorities"]
    assert set(rows) == set(Webhook.__struct_encode_fields__)


def test_every_spec_on_the_page_is_one() -> None:
    specs = [yaml.safe_load(each)["spec"] for each in blocks("yaml") if each.startswith("spec:")]

    assert len(specs) == 2
    for spec in specs:
        msgspec.convert(spec["results"], Retention)


def test_the_cloudevent_on_the_page_has_the_form_of_those_that_are_sent() -> None:
    (shown,) = (json.loads(each) for each in blocks("json"))
    status: dict[str, Any] = {"verdict": "Failed", "completedAt": "2026-03-01T12:00:00Z", "summary": {}}

    event = message_of(MessageFormat.CLOUDEVENTS, EndedRun(IDENTITY, "v1.2.3", status), "")

    event["data"]["uid"] = "<uid of the LoadTest>"
    assert shown == {**event, "id": "<uid of the LoadTest>/<run id>/2026-03-01T12:00:00Z"}


def test_the_numbers_on_the_page_are_those_of_the_code() -> None:
    assert f"(default {DEFAULT_KEEP})" in PAGE
    assert f"does not answer within {ATTEMPT_SECONDS:.0f} s" in PAGE
    assert (FIRST_PAUSE_SECONDS, MESSAGE_SECONDS) == (1.0, 3_600.0)
    assert f"up to {LONGEST_PAUSE_SECONDS:.0f} s" in PAGE


def test_the_route_of_alertmanager_names_alerts_and_labels_that_exist() -> None:
    config = yaml.safe_load(block_with("receivers:"))
    (route,) = config["route"]["routes"]
    rules = [rule for group in ALERTS["groups"] for rule in group["rules"]]

    (pattern,) = re.findall(r'alertname=~"(.*?)"', route["matchers"][0])
    assert {rule["alert"] for rule in rules if re.fullmatch(pattern, rule["alert"])} >= {"LoadTestFailed"}
    summary = next(rule for rule in rules if rule["alert"] == "LoadTestFailed")["annotations"]["summary"]
    for label in set(route["group_by"]) - {"alertname"}:
        assert f"$labels.{label}" in summary
    assert {receiver["name"] for receiver in config["receivers"]} == {config["route"]["receiver"], route["receiver"]}
