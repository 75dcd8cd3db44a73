"""What a message looks like to each kind of receiver."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final

from loadtest_model.quantities import clip, clip_middle
from loadtest_model.spec import API_VERSION, PLURAL
from loadtest_operator.messages.ended_run import EndedRun

Json = dict[str, Any]

EVENT_TYPE: Final = "dev.x-load-test.run.completed"
CARD_SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
CARD_TYPE: Final = "application/vnd.microsoft.card.adaptive"
CARD_VERSION: Final = "1.4"

_LONGEST_HEADER: Final = 150
_LONGEST_SECTION: Final = 3_000
_LINK_TEXT: Final = "Report"
_CARD_COLOURS: Final = {"Passed": "good", "Failed": "attention"}
_DATA_OF_STATUS: Final = ("verdict", "reason", "reasonClass", "message", "reasons", "startedAt", "completedAt")
_FIGURES_OF_STATUS: Final = ("summary", "thresholds", "health", "steps", "results")


class MessageFormat(StrEnum):
    """The kinds of receivers."""

    SLACK = "slack"
    TEAMS = "teams"
    CLOUDEVENTS = "cloudevents"


def content_type(message_format: MessageFormat) -> str:
    """The content type of a message."""
    is_event = message_format is MessageFormat.CLOUDEVENTS
    return "application/cloudevents+json; charset=utf-8" if is_event else "application/json; charset=utf-8"


def message_of(message_format: MessageFormat, run: EndedRun, link: str) -> Json:
    """The message about a run as JSON. No text of it is read as markup, because a target's answers are quoted in it."""
    return _FORMS[message_format](run, link)


def _slack(run: EndedRun, link: str) -> Json:
    blocks: list[Json] = [{"type": "header", "text": _plain(clip(run.title, _LONGEST_HEADER))}]
    blocks += [
        {"type": "section", "text": _plain(clip_middle(text, _LONGEST_SECTION))}
        for text in (run.message, "\n".join(run.lines))
        if text
    ]
    if link:
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": f"<{_escaped(link)}|{_LINK_TEXT}>"}})
    return {"text": _escaped(run.title), "blocks": blocks}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _teams(run: EndedRun, link: str) -> Json:
    colour = _CARD_COLOURS.get(run.verdict, "warning")
    body = [_run_of_text(run.title, size="large", weight="bolder", color=colour), _run_of_text(run.message)]
    body += [_run_of_text(line, isSubtle=True) for line in run.lines]
    card: Json = {"$schema": CARD_SCHEMA, "type": "AdaptiveCard", "version": CARD_VERSION, "body": body}
    if link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": _LINK_TEXT, "url": link}]
    return {
        "type": "message",
        "attachments": [{"contentType": CARD_TYPE, "contentUrl": None, "content": card}],
    }


def _run_of_text(text: str, **style: Any) -> Json:
    # Of the elements for text this is the one that knows no Markdown.
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **style}]}


def _cloudevent(run: EndedRun, link: str) -> Json:
    identity = run.identity
    data: Json = {"namespace": identity.namespace, "name": identity.name, "uid": identity.uid, "runId": run.run_id}
    data |= {name: run.status[name] for name in (*_DATA_OF_STATUS, *_FIGURES_OF_STATUS) if name in run.status}
    if link:
        data["reportUrl"] = link
    event = {
        "specversion": "1.0",
        "id": run.key,
        "source": f"/apis/{API_VERSION}/namespaces/{identity.namespace}/{PLURAL}/{identity.name}",
        "type": EVENT_TYPE,
        "subject": str(identity),
        "datacontenttype": "application/json",
        "data": data,
    }
    return {**event, "time": run.status["completedAt"]} if "completedAt" in run.status else event


_FORMS: Final[Mapping[MessageFormat, Callable[[EndedRun, str], Json]]] = {
    MessageFormat.SLACK: _slack,
    MessageFormat.TEAMS: _teams,
    MessageFormat.CLOUDEVENTS: _cloudevent,
}
