"""What is told of a log that a container left behind."""

import json
import logging

import pytest

from loadgen.log import JsonLines
from loadtest_operator.facts.last_lines import LIMIT_BYTES, last_lines


def a_line(level: str, event: str, **fields: object) -> str:
    return json.dumps({"time": "2026-03-01T12:00:00.000+00:00", "level": level, "event": event, **fields})


def a_log(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def test_what_a_generator_did_as_it_should_is_left_out() -> None:
    log = a_log(
        a_line("info", "waiting", pod=0), a_line("warning", "command refused", verb="arm"), a_line("info", "armed")
    )

    assert last_lines(log) == "warning: command refused verb=arm"


def test_of_a_defect_its_exception_is_told() -> None:
    log = a_log(a_line("error", "defect", traceback='Traceback:\n  File "x"\nValueError: no such thing\n'))

    assert last_lines(log) == "error: defect ValueError: no such thing"


def test_only_whole_lines_are_told_and_the_last_come_first_to_their_place() -> None:
    log = a_log(*(a_line("warning", f"event {number} {'x' * 80}") for number in range(9)))

    told = last_lines(log).split("; ")

    assert [line[:16] for line in told] == ["warning: event 6", "warning: event 7", "warning: event 8"]
    assert all(line.endswith("x" * 80) for line in told)


def test_a_line_that_is_too_long_by_itself_keeps_its_beginning() -> None:
    told = last_lines(a_log("loadgen: error: invalid choice " + "x" * 400))

    assert told.startswith("loadgen: error: invalid choice x")
    assert len(told) == 300
    assert told.endswith("...")


def test_a_log_that_was_cut_does_not_begin_in_the_middle_of_a_line() -> None:
    torn = a_log('the end of a line"}', a_line("info", "x" * LIMIT_BYTES))[-LIMIT_BYTES:]
    plain = a_log("y" * LIMIT_BYTES, "loadgen: not found")[-LIMIT_BYTES:]

    assert last_lines(torn) == ""
    assert last_lines(plain) == "loadgen: not found"
    assert last_lines(a_log('short"}', a_line("error", "defect"))) == "error: defect"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", ""),
        ("exec: loadgen: not found", "exec: loadgen: not found"),
        ('Traceback (most recent call last):\n  File "x", line 1\n    y()\nImportError: no y\n', "ImportError: no y"),
        ("LT1 00000000 ABC", ""),
        ('{"level": 3}\n[1]\n', "[1]"),
    ],
    ids=["nothing", "a runtime's word", "a traceback", "a torn last word", "JSON of another form"],
)
def test_what_is_no_log_of_ours_is_told_as_it_is(said: str, told: str) -> None:
    assert last_lines(said) == told


def test_the_levels_are_those_that_the_generator_writes() -> None:
    record = logging.LogRecord("loadgen", logging.WARNING, "", 0, "command refused", None, None)

    assert last_lines(JsonLines().format(record)) == "warning: command refused"
