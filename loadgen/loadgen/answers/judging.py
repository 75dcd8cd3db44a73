"""What a complete answer says: the outcome of an upload, by the rules of the four outcomes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, NamedTuple

from msgspec import Struct

from loadgen.answers.json_answers import ABSENT, parsed, value_at
from loadgen.answers.page_text import readable
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.spec.target import ExpectCount

_BY_STATUS: Final = {
    401: ErrorKind.UNAUTHORIZED,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    413: ErrorKind.TOO_LARGE,
    429: ErrorKind.THROTTLED,
}


class Answer(Struct, frozen=True):
    """An HTTP answer, its body decoded; of a redirect the head alone.

    `unreadable` says why the body could not be read: its encoding, or a length above what is read of an answer. It is
    empty for every other answer.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class AnswerPaths:
    """Where in the answer's JSON the marker, the count and the nonce stand, each as a dotted path.

    `expect_count` says what the count is held against: the rows sent, the valid ones among them, or nothing.
    """

    marker: str
    count: str
    nonce: str
    expect_count: ExpectCount = ExpectCount.SENT


class Marker(Enum):
    """What a 2xx answer says of the load-test header."""

    TRUE = auto()
    NOT_TRUE = auto()
    ABSENT = auto()


class Judgement(Struct, frozen=True):
    """What an answer came to; `error` is None where the upload was accepted.

    `records_confirmed` are the rows that an acceptance confirms. `marker` is None for all but a 2xx. `cause` is why
    the upload failed, where it was diagnosed.
    """

    error: ErrorKind | None
    detail: str = ""
    records_confirmed: int = 0
    marker: Marker | None = None
    echoed: bool = False
    cause: Cause | None = None


def judge(
    answer: Answer,
    rows: int,
    nonce: str,
    paths: AnswerPaths,
    valid_rows: int | None = None,
    *,
    must_echo: bool = False,
) -> Judgement:
    """Judge the answer to an upload of `rows` rows, all valid if it is not said, that was sent with `nonce`.

    With `must_echo` a 2xx that does not return the nonce breaks the promise, whatever else it says.
    """
    if 200 <= answer.status < 300 and answer.unreadable:
        return Judgement(ErrorKind.UNREADABLE, _description(answer), marker=Marker.ABSENT)
    if 200 <= answer.status < 300:
        return _judge_success(answer, _Sent(rows, rows if valid_rows is None else valid_rows, nonce, must_echo), paths)
    if 300 <= answer.status < 400:
        location = answer.headers.get("Location", "nowhere")
        return Judgement(ErrorKind.REDIRECT, f"redirected ({answer.status}) to {printable(location)}")
    return Judgement(_kind_of(answer.status), _description(answer))


def _description(answer: Answer) -> str:
    text = f"answered {answer.status}: {printable(readable(answer.body))}"
    return f"{text.removesuffix(': ')} ({answer.unreadable})" if answer.unreadable else text


def _kind_of(status: int) -> ErrorKind:
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if 400 <= status < 600:
        return ErrorKind.CLIENT_ERROR if status < 500 else ErrorKind.SERVER_ERROR
    return ErrorKind.BAD_ANSWER


class _Sent(NamedTuple):
    rows: int
    valid_rows: int
    nonce: str
    must_echo: bool


def _judge_success(answer: Answer, sent: _Sent, paths: AnswerPaths) -> Judgement:
    said = _description(answer)
    document = _json_object(answer)
    if document is None:
        return Judgement(ErrorKind.MARKER_MISSING, f"{said} (not a JSON object)", marker=Marker.ABSENT)
    echoed = value_at(document, paths.nonce) == sent.nonce
    if value_at(document, paths.marker) is not True or (sent.must_echo and not echoed):
        return _broken_promise(document, said, paths)
    if document.get("success") is False:
        return Judgement(ErrorKind.UNSUCCESSFUL, said, marker=Marker.TRUE, echoed=echoed)
    count = value_at(document, paths.count)
    counted = count if isinstance(count, int) and not isinstance(count, bool) else None
    if paths.expect_count == ExpectCount.ANY:
        confirmed = counted if counted is not None and 0 <= counted <= sent.rows else 0
        return Judgement(None, said, records_confirmed=confirmed, marker=Marker.TRUE, echoed=echoed)
    expected = sent.valid_rows if paths.expect_count == ExpectCount.VALID else sent.rows
    if counted != expected:
        seen = "absent" if count is ABSENT else printable(json.dumps(count))
        valid = f", {expected} of them valid" if paths.expect_count == ExpectCount.VALID else ""
        detail = f"{said} ({paths.count} is {seen}, {sent.rows} rows were sent{valid})"
        return Judgement(ErrorKind.MISCOUNTED, detail, marker=Marker.TRUE, echoed=echoed)
    return Judgement(None, said, records_confirmed=expected, marker=Marker.TRUE, echoed=echoed)


def _broken_promise(document: Mapping[str, Any], said: str, paths: AnswerPaths) -> Judgement:
    """The judgement of an answer without a true marker, or without the nonce that must return."""
    marker = value_at(document, paths.marker)
    if marker is True:
        lack = _shown(value_at(document, paths.nonce), "not this request's")
        return Judgement(ErrorKind.NONCE_MISSING, f"{said} ({paths.nonce} is {lack})", marker=Marker.TRUE)
    state = Marker.ABSENT if marker is ABSENT else Marker.NOT_TRUE
    return Judgement(ErrorKind.MARKER_MISSING, f"{said} ({paths.marker} is {_shown(marker, 'not true')})", marker=state)


def _shown(value: Any, lack: str) -> str:
    return "absent" if value is ABSENT else f"{printable(json.dumps(value))}, {lack}"


def printable(text: str | bytes, longest: int = 200) -> str:
    """The first `longest` characters with what is not printable replaced, so that they fit into one line."""
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    shown = decoded[: longest + 1]
    if not shown.isprintable():
        shown = "".join(character if character.isprintable() else " " for character in shown)
    return shown if len(shown) <= longest else shown[:longest] + "..."


def _json_object(answer: Answer) -> dict[str, Any] | None:
    try:
        document = parsed(answer.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
