"""What a complete answer says: the outcome of an upload, by the rules of the four outcomes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice
from typing import Any, Final

from msgspec import Struct

from loadgen.answers.json_answers import ABSENT, parse_json, paths_of_number, value_at
from loadgen.answers.page_text import readable_text
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.spec.target import ExpectCount

_ERROR_BY_STATUS: Final = {
    401: ErrorKind.UNAUTHORIZED,
    403: ErrorKind.FORBIDDEN,
    404: ErrorKind.NOT_FOUND,
    413: ErrorKind.TOO_LARGE,
    429: ErrorKind.THROTTLED,
}
_MAX_CANDIDATES: Final = 2
_GUARD_FIGURES: Final = "load_test"
"""Where the guard for Django says what it held back. None of its numbers is the view's count."""


class HttpAnswer(Struct, frozen=True):
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


class AnswerJudgement(Struct, frozen=True):
    """What an answer came to; `error` is None if the upload was accepted.

    `detail` describes a failure, and is empty for an acceptance. `records_confirmed` are the rows that an acceptance
    confirms. `marker` is None for all but a 2xx. `cause` is why the upload failed, where it was diagnosed.
    """

    error: ErrorKind | None
    detail: str = ""
    records_confirmed: int = 0
    marker: Marker | None = None
    is_echoed: bool = False
    cause: Cause | None = None


def judge(
    answer: HttpAnswer,
    rows: int,
    nonce: str,
    paths: AnswerPaths,
    valid_rows: int | None = None,
    *,
    must_echo: bool = False,
) -> AnswerJudgement:
    """Judge the answer to an upload of `rows` rows, all valid if it is not said, that was sent with `nonce`.

    With `must_echo` a 2xx that does not return the nonce breaks the promise, whatever else it says.
    """
    if 200 <= answer.status < 300 and answer.unreadable:
        return AnswerJudgement(ErrorKind.UNREADABLE, description_of(answer), marker=Marker.ABSENT)
    if 200 <= answer.status < 300:
        return _judge_success(
            answer, _SentUpload(rows, rows if valid_rows is None else valid_rows, nonce, must_echo), paths
        )
    if 300 <= answer.status < 400:
        location = answer.headers.get("Location", "nowhere")
        return AnswerJudgement(ErrorKind.REDIRECT, f"redirected ({answer.status}) to {printable_text(location)}")
    return AnswerJudgement(_error_of(answer.status), description_of(answer))


def description_of(answer: HttpAnswer) -> str:
    """The answer's status and the beginning of its text, in one line."""
    text = f"answered {answer.status}: {printable_text(readable_text(answer.body))}"
    return f"{text.removesuffix(': ')} ({answer.unreadable})" if answer.unreadable else text


def _error_of(status: int) -> ErrorKind:
    if status in _ERROR_BY_STATUS:
        return _ERROR_BY_STATUS[status]
    if 400 <= status < 600:
        return ErrorKind.CLIENT_ERROR if status < 500 else ErrorKind.SERVER_ERROR
    return ErrorKind.BAD_ANSWER


class _SentUpload(Struct, frozen=True):
    rows: int
    valid_rows: int
    nonce: str
    must_echo: bool


def _judge_success(answer: HttpAnswer, sent_upload: _SentUpload, paths: AnswerPaths) -> AnswerJudgement:
    document = _json_object(answer)
    if document is None:
        description = description_of(answer)
        return AnswerJudgement(ErrorKind.MARKER_MISSING, f"{description} (not a JSON object)", marker=Marker.ABSENT)
    is_echoed = value_at(document, paths.nonce) == sent_upload.nonce
    if value_at(document, paths.marker) is not True or (sent_upload.must_echo and not is_echoed):
        return _broken_promise(document, description_of(answer), paths)
    if document.get("success") is False:
        return AnswerJudgement(ErrorKind.UNSUCCESSFUL, description_of(answer), marker=Marker.TRUE, is_echoed=is_echoed)
    count = value_at(document, paths.count)
    row_count = count if isinstance(count, int) and not isinstance(count, bool) else None
    if paths.expect_count == ExpectCount.ANY:
        confirmed_rows = row_count if row_count is not None and 0 <= row_count <= sent_upload.rows else 0
        return AnswerJudgement(None, records_confirmed=confirmed_rows, marker=Marker.TRUE, is_echoed=is_echoed)
    expected_rows = sent_upload.valid_rows if paths.expect_count == ExpectCount.VALID else sent_upload.rows
    if row_count != expected_rows:
        count_text = "absent" if count is ABSENT else printable_text(json.dumps(count))
        valid_text = f", {expected_rows} of them valid" if paths.expect_count == ExpectCount.VALID else ""
        advice = _count_advice(document, expected_rows) if count is ABSENT else ""
        problem = f"{paths.count} is {count_text}, {sent_upload.rows} rows were sent{valid_text}{advice}"
        detail = f"{description_of(answer)} ({problem})"
        return AnswerJudgement(ErrorKind.MISCOUNTED, detail, marker=Marker.TRUE, is_echoed=is_echoed)
    return AnswerJudgement(None, records_confirmed=expected_rows, marker=Marker.TRUE, is_echoed=is_echoed)


def _count_advice(document: Mapping[str, Any], expected_rows: int) -> str:
    """Numbers of an answer without a count that may be the count under another name."""
    own_document = {name: value for name, value in document.items() if name != _GUARD_FIGURES}
    candidates = list(islice(paths_of_number(own_document, expected_rows), _MAX_CANDIDATES))
    if not candidates:
        return ""
    numbers = " and ".join(f"{path}: {expected_rows}" for path in candidates)
    question = "is that the count?" if len(candidates) == 1 else "is one of them the count?"
    return f"; the answer has {numbers}; {question} Set spec.target.response.count"


def _broken_promise(document: Mapping[str, Any], description: str, paths: AnswerPaths) -> AnswerJudgement:
    """The judgement of an answer without a true marker, or without the nonce that must return."""
    marker = value_at(document, paths.marker)
    if marker is True:
        nonce_text = _value_text(value_at(document, paths.nonce), "not this request's")
        return AnswerJudgement(
            ErrorKind.NONCE_MISSING, f"{description} ({paths.nonce} is {nonce_text})", marker=Marker.TRUE
        )
    marker_state = Marker.ABSENT if marker is ABSENT else Marker.NOT_TRUE
    return AnswerJudgement(
        ErrorKind.MARKER_MISSING,
        f"{description} ({paths.marker} is {_value_text(marker, 'not true')})",
        marker=marker_state,
    )


def _value_text(value: Any, problem: str) -> str:
    return "absent" if value is ABSENT else f"{printable_text(json.dumps(value))}, {problem}"


def printable_text(text: str | bytes, most_characters: int = 200) -> str:
    """The first `most_characters` characters with what is not printable replaced, so that they fit into one line."""
    full_text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    one_line = full_text[: most_characters + 1]
    if not one_line.isprintable():
        one_line = "".join(character if character.isprintable() else " " for character in one_line)
    return one_line if len(one_line) <= most_characters else one_line[:most_characters] + "..."


def _json_object(answer: HttpAnswer) -> dict[str, Any] | None:
    try:
        document = parse_json(answer.body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
