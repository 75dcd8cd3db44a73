"""What is printed of a test: while it runs, at its end, as its story, and beside another."""

import re
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_loadtest.following.readings import Reading
from kubectl_loadtest.following.screens import LineReadingScreen
from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.views.description import describe_lines
from kubectl_loadtest.views.ending import ending_lines
from kubectl_loadtest.views.live import PATIENCE_SECONDS, live_lines, plain_line
from kubectl_loadtest.views.style import Style
from loadgen.screen.comparison import comparison_lines
from loadgen.screen.styling import clip_to_width, visible_length
from loadgen.screen.texts import fit_to_width
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.report.references import SEE_MESSAGE
from loadtest_model.report.status import LOAD_RUNS, NO_OPERATOR_MESSAGE
from loadtest_model.report.summary import summarize
from support.builders import a_plan, a_run

PROGRESS = {
    "step": "custom",
    "elapsedSeconds": 13.2,
    "totalSeconds": 26.0,
    "percent": 50.7,
    "virtualUsers": 4,
    "recordsPerSecond": 47_500.0,
    "recordsConfirmed": 620_000,
    "p95Seconds": 0.691,
    "errorRate": 0.0,
    "errors": 0,
}
START = {"startId": "s", "at": "2026-11-30T10:00:00Z"}
ENDED: dict[str, Any] = {
    "verdict": "Failed",
    "reasonClass": "Load",
    "message": "threshold p95 < 1s is breached: measured 1.932 s",
    "reasons": ["see status.message", "health is Critical"],
    "conditions": [{"type": "Completed", "status": "True", "observedGeneration": 1}],
    "thresholds": [
        {"expression": "p95 < 1s", "value": 1.932, "passed": False},
        {"expression": "error_rate < 1%", "value": 0.0, "passed": True},
        {"expression": "p99 < 30s", "value": None, "passed": None, "note": "no sample"},
    ],
    "health": {"level": "Critical", "evidence": ["custom: error rate 7 %"]},
    "verification": {"level": "Echoed", "uploads": 7, "rows": 5012},
    "results": {"configMap": "light-1234-results"},
}


def load_test(generation: int = 1, observed: int = 1, **status: Any) -> LoadTest:
    metadata = {"name": "light", "namespace": "shop", "uid": "u", "generation": generation}
    target = {"url": "http://clients:8000/u/?key=hidden"}
    return LoadTest(
        {
            "metadata": metadata,
            "spec": {"target": target, "scenario": "light", "parallelism": 2},
            "status": {"observedGeneration": observed, **status},
        }
    )


def test_a_running_test_shows_bar_place_and_figures() -> None:
    test = load_test(phase="Running", start=START, progress=PROGRESS, pods={"running": 2, "desired": 2})

    text = "\n".join(live_lines(test, 20, Style(columns=80)))

    assert "shop/light  Running  20s" in text
    assert "━" in text
    assert " 51%  13s of 26s" in text
    assert "records 620,000" in text
    assert "p95 691 ms" in text
    assert "errors 0" in text


def test_a_terminal_without_unicode_or_colours_gets_neither() -> None:
    text = "\n".join(
        live_lines(load_test(phase="Running", start=START, progress=PROGRESS), 1, Style(has_unicode=False, columns=80))
    )

    assert text.isascii()
    assert "\x1b" not in text


@given(
    percent=st.floats(0, 100),
    users=st.integers(0, 10**6),
    records=st.integers(0, 10**15),
    message=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=2000),
    columns=st.integers(40, 200),
    loads=st.booleans(),
)
def test_no_line_is_wider_than_the_terminal(
    percent: float, users: int, records: int, message: str, columns: int, loads: bool
) -> None:
    progress = {**PROGRESS, "percent": percent, "virtualUsers": users, "recordsConfirmed": records} if loads else None
    test = load_test(phase="Queued", message=message, start=START, progress=progress)

    lines = live_lines(test, 1e6, Style(in_colour=True, columns=columns), trouble=message)

    # The head and the bar are cut by the block itself.
    assert all(visible_length(clip_to_width(line, columns - 1)) < columns for line in lines)
    assert len(lines) <= 12


@given(st.lists(st.sampled_from(["a", "b", "\x1b[31m", "\x1b[0m"])).map("".join), st.integers(0, 10))
def test_a_cut_text_keeps_its_colours_and_no_more_letters_than_asked_for(text: str, width: int) -> None:
    clipped = clip_to_width(text, width)

    assert visible_length(clipped) == min(width, visible_length(text))
    assert re.findall(r"\x1b\[\d+m", clipped) == re.findall(r"\x1b\[\d+m", text)


def test_before_a_start_and_without_one_the_message_stands_in_place_of_figures() -> None:
    test = load_test(phase="Stopping", progress={**PROGRESS, "percent": 0.0}, message="nothing is loaded")

    assert plain_line(test, 1) == "Stopping   nothing is loaded"


def test_the_status_of_an_earlier_run_is_not_shown_as_that_of_this_one() -> None:
    test = load_test(generation=2, observed=1, phase="Completed", progress=PROGRESS, message="old")

    assert plain_line(test, 1) == "Queued     the operator has not looked yet"


def test_a_status_with_another_run_id_is_not_shown_as_that_of_this_run() -> None:
    test = load_test(runId="earlier", phase="Queued", message="old")

    assert plain_line(test, 1) == "Queued     the operator has not looked yet"


def test_a_load_that_is_over_says_what_is_waited_for() -> None:
    message = "every load is over; what the target has stored is read back"
    status = {"phase": "Running", "start": START, "progress": {**PROGRESS, "percent": 100.0}}
    running, reading_back = load_test(**status, message=LOAD_RUNS), load_test(**status, message=message)
    stream = StringIO()
    screen = LineReadingScreen(stream)

    for test in (running, reading_back, reading_back):
        screen.show(Reading(test), 5.0)

    assert stream.getvalue().splitlines() == [
        f"    5 s  {plain_line(running, 5)}",
        f"    5 s  Running    100%  {message}",
    ]
    assert "records 620,000" in plain_line(running, 5)
    assert message in live_lines(reading_back, 5, Style(columns=80))
    assert "\n".join(describe_lines(reading_back, [], Style())).count(message) == 1


def test_a_missing_operator_is_told_once_one_would_have_looked() -> None:
    test = load_test(observed=-1, phase="Queued", message=NO_OPERATOR_MESSAGE)

    assert plain_line(test, PATIENCE_SECONDS - 1) == "Queued     the operator has not looked yet"
    assert "kubectl loadtest doctor" in plain_line(test, PATIENCE_SECONDS)


def test_the_end_says_verdict_reasons_thresholds_health_proof_and_place() -> None:
    assert list(ending_lines(load_test(**ENDED), Style())) == [
        "Verdict     Failed",
        "            - threshold p95 < 1s is breached: measured 1.932 s",
        "            - health is Critical",
        "Thresholds  FAILED  p95 < 1s         1.932 s",
        "            ok      error_rate < 1%  0.00%",
        "            ?       p99 < 30s        nothing  no sample",
        "Health      Critical",
        "            - custom: error rate 7 %",
        "Proof       Echoed; the verification sent 7 uploads with 5,012 rows",
        "Results     ConfigMap shop/light-1234-results",
    ]


def test_the_end_says_each_cause_with_its_evidence_and_what_to_do_about_it_once() -> None:
    reason, advice = "threshold error_rate < 1% is breached: measured 16.98%", "Look into the target's log."
    evidence = '9 of 53 uploads; 10.0.0.7:8000 answered 500: "ValueError: stock"'
    rate_evidence, rate_advice = "9 of 53 uploads due were not accepted: 17.0%", "Look at the causes listed with it."
    read_back = "a read-back found no stored row"
    status = {
        **ENDED,
        "message": f"{reason}; {read_back}. The target failed. {advice}",
        "reasons": [SEE_MESSAGE, "health is Critical"],
        "health": {"level": "Critical", "evidence": [SEE_MESSAGE]},
        "verification": {"level": "Proven", "uploads": 7, "rows": 5012, "readBack": SEE_MESSAGE},
        "summary": {
            "diagnoses": [
                {"title": "The target failed", "evidence": evidence, "nextStep": SEE_MESSAGE},
                {"title": "High error rate", "evidence": rate_evidence, "nextStep": rate_advice},
            ]
        },
    }

    lines = list(ending_lines(load_test(**status), Style()))

    assert lines[:3] == [
        "Verdict     Failed",
        f"            - {reason}; {read_back}",
        "            - health is Critical",
    ]
    assert lines[6:] == [
        "Health      Critical; the verdict says why",
        f"Diagnoses   The target failed: {evidence}",
        f"            What to do: {advice}",
        f"            High error rate: {rate_evidence}",
        f"            What to do: {rate_advice}",
        "Proof       Proven; the verification sent 7 uploads with 5,012 rows",
        "Results     ConfigMap shop/light-1234-results",
    ]


def test_a_refusal_that_the_verdict_tells_whole_is_not_told_again_as_a_diagnosis() -> None:
    diagnosis = {"title": "The header is ignored", "evidence": SEE_MESSAGE, "nextStep": SEE_MESSAGE}
    message = "an answer lacks load_test_mode. Add that branch to the view."
    status = {**ENDED, "message": message, "reasonClass": "Refused", "summary": {"diagnoses": [diagnosis]}}

    text = "\n".join(ending_lines(load_test(**status), Style()))

    assert text.count(message) == 1
    assert "Diagnoses" not in text


def test_a_test_that_loaded_nothing_says_so() -> None:
    refused = {"verdict": "Failed", "reasonClass": "Refused", "reason": "LoadTestHeaderIgnored", "thresholds": []}

    lines = list(ending_lines(load_test(**{**ENDED, **refused}), Style()))

    assert lines[:2] == [
        "Verdict     Failed (never loaded)",
        "            Nothing was loaded (Refused: LoadTestHeaderIgnored).",
    ]


def test_a_refused_target_s_canary_is_called_one_and_named_by_the_file_s_own_column() -> None:
    refused = {
        **ENDED,
        "reasonClass": "Refused",
        "verification": {
            "level": "None",
            "uploads": 2,
            "rows": 1,
            "canaryIds": ["0N3V7Q2ZK8006M1RT5CM"],
            "idColumn": "sku_code",
        },
    }

    lines = list(ending_lines(load_test(**refused), Style()))

    assert "            - the canary that may be stored: sku_code 0N3V7Q2ZK8006M1RT5CM" in lines
    assert "            - sku_code begins with 0N3V7Q2ZK8 in every row of this run" in lines


def test_the_story_of_a_waiting_test_says_what_it_waits_for_and_what_to_do() -> None:
    message = "place 1 in line: test other loads the same target"
    events = [
        {"reason": "Queued", "type": "Normal", "metadata": {}, "lastTimestamp": "2026-11-30T10:00:00Z"},
        {"reason": "TargetBusy", "type": "Warning", "metadata": {}, "eventTime": "2026-11-30T10:00:30.123456Z"},
    ]
    now = datetime(2026, 11, 30, 10, 1, tzinfo=UTC)

    lines = describe_lines(load_test(phase="Queued", reason="TargetBusy", message=message), events, Style(), now)

    assert f"Phase       Queued     {message}" in lines
    assert "To do       wait, or set spec.concurrency: Allow in a test that may run beside others" in lines
    assert lines[-2:] == ["Events      1m ago   Normal   Queued", "            29s ago  Warning  TargetBusy"]
    assert "hidden" not in "\n".join(lines)


@pytest.mark.parametrize("status", [{}, ENDED, {"phase": "Running", "start": START, "progress": PROGRESS}])
def test_a_story_fits_on_a_screen(status: dict[str, Any]) -> None:
    assert len(describe_lines(load_test(**status), [], Style())) < 24


def test_a_coloured_label_takes_no_room_from_the_line_behind_it() -> None:
    text = f"{'PROBLEM':<12}{'word ' * 20}".rstrip()

    folded, coloured = (fit_to_width(each, 40) for each in (text, text.replace("PROBLEM", "\x1b[31mPROBLEM\x1b[0m")))

    assert coloured == folded.replace("PROBLEM", "\x1b[31mPROBLEM\x1b[0m")


def test_a_run_that_loaded_nothing_has_no_health_to_compare() -> None:
    plan, unloaded = a_plan(), Aggregate(steps=(), pods=1, elapsed_seconds=0.0)
    loaded_run, unloaded_run = (
        summarize(plan, run, judge(Facts(plan=plan, aggregate=run, load_began=began)), None, None)
        for run, began in ((a_run(), True), (unloaded, False))
    )

    lines = comparison_lines(("first", "second"), (loaded_run, unloaded_run))

    health = next(line.split() for line in lines if line.startswith("health"))
    assert health == ["health", str(loaded_run.health.level), "-"]
