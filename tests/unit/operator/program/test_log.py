"""The operator's log: nobody forges a line of it."""

import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_operator.facts.texts import shorten
from loadtest_operator.program.log import OneLineFormatter, is_refused_watch

LINES = OneLineFormatter("%(levelname)s %(name)s %(message)s")


def a_record(message: str, *arguments: object, failed: bool = False) -> logging.LogRecord:
    info = sys.exc_info() if failed else None
    return logging.LogRecord("operator", logging.INFO, "file.py", 1, message, arguments, info)


@given(st.text())
def test_whatever_is_written_into_a_record_stays_in_its_line(text: str) -> None:
    line = LINES.format(a_record("%s: answered", text))

    assert len(line.splitlines()) == 1
    assert line.isprintable()
    assert line.startswith("INFO operator ")


def test_what_is_printable_is_left_as_it_is() -> None:
    assert LINES.format(a_record("shop/été: %s", "95 % \\n")) == "INFO operator shop/été: 95 % \\n"


def test_line_ends_and_escapes_of_a_terminal_are_written_out() -> None:
    line = LINES.format(a_record("said %s", "no\r\nINFO operator all is well\x1b[2J\u2028\u202e"))

    assert line == "INFO operator said no\\r\\nINFO operator all is well\\x1b[2J\\u2028\\u202e"


def test_a_traceback_is_marked_line_by_line() -> None:
    try:
        _fail("first\nINFO operator forged")
    except ValueError:
        first, *rest = LINES.format(a_record("turn failed", failed=True)).splitlines()

    assert first == "INFO operator turn failed"
    assert rest[-1] == "    | INFO operator forged"
    assert all(line.startswith("    | ") for line in rest)


def _fail(message: str) -> None:
    raise ValueError(message)


def test_what_the_api_server_says_stays_in_one_line_of_a_status() -> None:
    assert shorten("exceeded quota:\n\tpods") == "exceeded quota:\\n\\tpods"


class AnsweredError(Exception):
    """An answer of the API server, as kopf reports it."""

    def __init__(self, status: int) -> None:
        self.status = status


@pytest.mark.parametrize(
    ("logger", "error", "told"),
    [
        ("kopf._core.reactor.running", AnsweredError(404), True),
        ("kopf._core.reactor.running", AnsweredError(403), True),
        ("kopf._core.reactor.running", AnsweredError(500), False),
        ("kopf._core.reactor.running", ValueError("a defect"), False),
        ("loadtest_operator.program.queue", AnsweredError(404), False),
    ],
)
def test_of_kopfs_traces_only_what_the_operator_says_itself_is_left_out(
    logger: str, error: Exception, told: bool
) -> None:
    record = logging.LogRecord(logger, logging.ERROR, "file.py", 1, "failed", (), (type(error), error, None))

    assert is_refused_watch(record) is told
