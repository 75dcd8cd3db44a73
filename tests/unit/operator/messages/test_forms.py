"""What a message looks like to Slack, Teams and receivers of CloudEvents."""

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.spec import Identity
from loadtest_operator.messages.ended_run import EndedRun, report_link
from loadtest_operator.messages.forms import MessageFormat, content_type, message_of
from loadtest_operator.messages.sending import AttemptResult, attempt_of, retry_after_seconds
from support.builders import IDENTITY
from support.operator_builders import NOW

LINK = "https://reports.example.com/shop/heavy"
STATUS = {
    "verdict": "Failed",
    "reason": "ThresholdBreached",
    "message": "p95 was 31 s",
    "completedAt": "2026-03-01T12:00:00Z",
    "atAGlance": ["Failed (ThresholdBreached)", "Records: 5 confirmed"],
    "summary": {"errorRate": 0.5},
    "plan": {"scenario": "heavy"},
}
HOSTILE = '<!channel> <script>alert(1)</script> [x](https://evil.example) *b* & "q"'


def a_run(**status: Any) -> EndedRun:
    return EndedRun(IDENTITY, "v1", {**STATUS, **status})


def test_slack_gets_a_text_and_blocks_of_plain_text_with_a_link() -> None:
    message = message_of(MessageFormat.SLACK, a_run(), LINK)

    assert message["text"] == "LoadTest shop/heavy, run v1: Failed"
    header, *sections, link = message["blocks"]
    assert header["type"] == "header"
    assert [section["text"]["text"] for section in sections] == ["p95 was 31 s", "Records: 5 confirmed"]
    assert link["text"] == {"type": "mrkdwn", "text": f"<{LINK}|Report>"}


def test_teams_gets_an_adaptive_card_with_a_button() -> None:
    message = message_of(MessageFormat.TEAMS, a_run(), LINK)

    (attachment,) = message["attachments"]
    card = attachment["content"]
    assert message["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert [inline["text"] for block in card["body"] for inline in block["inlines"]] == [
        "LoadTest shop/heavy, run v1: Failed",
        "p95 was 31 s",
        "Records: 5 confirmed",
    ]
    assert card["actions"] == [{"type": "Action.OpenUrl", "title": "Report", "url": LINK}]


def test_a_cloudevent_has_the_summary_as_its_data_and_an_id_that_stays() -> None:
    event = message_of(MessageFormat.CLOUDEVENTS, a_run(), LINK)

    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": f"{IDENTITY.uid}/v1/2026-03-01T12:00:00Z",
        "source": "/apis/x-load-test.dev/v1alpha1/namespaces/shop/loadtests/heavy",
        "type": "dev.x-load-test.run.completed",
        "subject": "shop/heavy",
        "time": "2026-03-01T12:00:00Z",
        "datacontenttype": "application/json",
    }
    assert content_type(MessageFormat.CLOUDEVENTS) == "application/cloudevents+json; charset=utf-8"
    assert (data["runId"], data["verdict"], data["summary"]) == ("v1", "Failed", {"errorRate": 0.5})
    assert data["reportUrl"] == LINK
    assert "plan" not in data


def test_without_an_address_no_message_has_a_link() -> None:
    for form in MessageFormat:
        message = repr(message_of(form, a_run(), ""))
        assert not any(word in message for word in ("Report", "reportUrl", "OpenUrl"))


@given(message=st.text(max_size=1_100), lines=st.lists(st.text(max_size=400), max_size=32))
def test_a_message_keeps_to_the_bounds_of_slack(message: str, lines: list[str]) -> None:
    identity = Identity(namespace="n" * 63, name="t" * 253, uid="uid-1")
    run = EndedRun(identity, "r" * 63, {**STATUS, "message": message, "atAGlance": lines})

    blocks = message_of(MessageFormat.SLACK, run, LINK)["blocks"]

    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) <= 150
    assert all(0 < len(block["text"]["text"]) <= 3_000 for block in blocks)


def test_nothing_that_a_target_answered_is_markup() -> None:
    run = a_run(message=HOSTILE, atAGlance=["", HOSTILE])

    slack, teams = (message_of(form, run, LINK) for form in (MessageFormat.SLACK, MessageFormat.TEAMS))

    quoting = [block["text"] for block in slack["blocks"] if HOSTILE in block["text"]["text"]]
    assert {text["type"] for text in quoting} == {"plain_text"}
    assert HOSTILE not in slack["text"]
    assert {block["type"] for block in teams["attachments"][0]["content"]["body"]} == {"RichTextBlock"}


def test_what_a_link_is_made_of_is_escaped() -> None:
    assert report_link("https://a.example/{namespace}/{name}?run={runId}", a_run()) == (
        "https://a.example/shop/heavy?run=v1"
    )
    assert report_link("", a_run()) == ""


@pytest.mark.parametrize(
    ("status", "result"),
    [
        *((status, AttemptResult.SENT) for status in (200, 201, 202, 204)),
        *((status, AttemptResult.REFUSED) for status in (301, 302, 307, 308, 400, 401, 403, 404, 410, 413)),
        *((status, AttemptResult.AGAIN) for status in (408, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_an_answer_says_whether_to_try_again(status: int, result: AttemptResult) -> None:
    assert attempt_of(status, None, NOW).result is result


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0.0),
        ("soon", 0.0),
        ("-7", 0.0),
        ("1.5", 0.0),
        ("Sun, 01 Mar 2026 12:00:09", 0.0),
    ],
)
def test_the_pause_that_is_asked_for_is_read_in_both_forms(text: str | None, seconds: float) -> None:
    assert retry_after_seconds(text, NOW) == seconds
