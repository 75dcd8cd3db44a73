"""What a local run shows and writes."""

import io
import json
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from loadgen.local.files import RESULT_SCHEMA, RunResult, result_files, write_results
from loadgen.local.interrupts import Interrupts
from loadgen.options.errors import UsageError
from loadgen.screen.closing import closing_text, verdict_lines
from loadgen.screen.drawing import BlockScreen, LineScreen, can_redraw, wants_colour
from loadgen.screen.opening import opening_text, proof_text
from loadgen.screen.texts import fit_to_width
from loadgen.screen.view import progress_frame, progress_line
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Gap
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import ReadBackReport, Reading, ReadingMoment
from loadtest_model.measurement.snapshot import ProofLevel, Refusal, TargetMemory, VerificationReport
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.plan import Plan
from loadtest_model.quantities import bytes_text, seconds_text, span_text
from loadtest_model.reasons import Reason
from loadtest_model.report.progress import progress_of
from loadtest_model.report.summary import Summary, summarize
from loadtest_model.secrecy import public_url, without_secrets
from support.builders import a_plan, a_run, a_step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def summary_of(plan: Plan, run: Aggregate, *gaps: Gap) -> Summary:
    judgement = judge(Facts(plan=plan, aggregate=run, gaps=gaps))
    report = VerificationReport(level=ProofLevel.ECHOED)
    return summarize(plan, run, judgement, report, "2026-01-01T00:00:00Z")


def a_result(plan: Plan) -> RunResult:
    run = a_run()
    return RunResult(
        schema_version=RESULT_SCHEMA,
        program="loadgen",
        complete=True,
        summary=summary_of(plan, run),
        plan=plan,
        verification=None,
        judgement=judge(Facts(plan=plan, aggregate=run)),
        aggregate=run,
    )


# Progress.


def test_a_frame_has_a_bar_and_says_what_it_waits_for() -> None:
    progress = progress_of(a_plan(), a_run(structs.replace(a_step(), load_seconds=60.0, in_flight=3)))

    bar, load, figures, note = progress_frame(progress)
    *_, stopping = progress_frame(progress, 1)

    assert bar.startswith("━" * 15 + "╌" * 15 + "  50%  1m/2m  light")
    assert "in flight 3" in load
    assert "p95" in figures
    assert max(map(len, progress_frame(progress))) < 80
    assert note == ""
    assert stopping == "stopping: 3 uploads in flight may finish; Ctrl-C again cuts them"
    assert progress_frame(progress, unicode=False)[0].startswith("###")
    assert "stopping at once" in progress_line(progress, 2)


def test_before_anything_has_ended_there_are_no_figures_to_show() -> None:
    text = progress_line(progress_of(a_plan(), Aggregate()))

    assert "p95 -" in text
    assert "errors 0 (0.00%)" in text


def test_of_a_number_of_records_no_time_is_promised() -> None:
    step = structs.replace(a_step(accepted=50), load_seconds=30.0)

    assert progress_line(progress_of(a_plan(load={"records": 200_000}), a_run(step))).startswith(
        "          30s   25%  light"
    )


def test_a_load_that_is_over_says_what_it_still_waits_for() -> None:
    drained_step = structs.replace(a_step(), load_seconds=120.0, in_flight=1)

    assert (
        progress_frame(progress_of(a_plan(), a_run(drained_step)))[-1]
        == "the load is over: waiting for 1 upload in flight"
    )


# Screens.


def test_a_block_is_drawn_over_itself_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    block = BlockScreen(terminal)
    progress = progress_of(a_plan(), a_run())

    block.show(progress)
    block.show(progress)
    block.close()
    block.close()

    screen_text = terminal.getvalue()
    assert screen_text.count("\x1b[4A") == 2
    assert screen_text.startswith("\x1b[?25l")
    assert screen_text.endswith("\x1b[J\x1b[?25h")
    assert all(len(text.removeprefix("\x1b[2K")) < 40 for text in screen_text.split("\n")[1:2])


def test_lines_are_plain() -> None:
    stream = io.StringIO()

    LineScreen(stream).show(progress_of(a_plan(), a_run()))

    assert stream.getvalue().count("\n") == 1
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "environment", "platform", "is_redrawable"),
    [
        (Terminal(), {"TERM": "xterm"}, "linux", True),
        (Terminal(), {"TERM": "dumb"}, "linux", False),
        (io.StringIO(), {"TERM": "xterm"}, "linux", False),
        (Terminal(), {}, "win32", False),
        (Terminal(), {"WT_SESSION": "1"}, "win32", True),
    ],
)
def test_only_a_terminal_that_can_is_drawn_over(
    stream: io.StringIO, environment: dict[str, str], platform: str, is_redrawable: bool
) -> None:
    assert can_redraw(stream, environment, platform) is is_redrawable


def test_colours_are_for_terminals_and_obey_no_color() -> None:
    assert wants_colour(Terminal(), {"TERM": "xterm"})
    assert not wants_colour(Terminal(), {"TERM": "xterm", "NO_COLOR": "1"})
    assert not wants_colour(io.StringIO(), {"TERM": "xterm"})


# What is said.


def test_the_opening_names_target_plan_and_what_is_at_stake() -> None:
    text = opening_text(a_plan(scenario="heavy", target={"url": "http://a.shop/u/?key=secret"}), "API_URL")

    assert "Target      http://a.shop/u/?key=***  (from API_URL)" in text
    assert "Test        heavy (high load), 5m of load, files as CSV" in text
    assert "            10,000 records a batch; virtual users: 1m40s at 1, 1m40s at 3, 1m40s at 5" in text
    assert "up to 50,000 rows" in text


def test_the_opening_tells_arrivals_and_records() -> None:
    arrivals = opening_text(a_plan(load={"stages": [{"duration": "10s", "arrivalRate": 5}]}), None)
    records = opening_text(a_plan(load={"records": 5_000}), None)

    assert "constant arrivals a second: 10s from 0 to 5" in arrivals
    assert "5,000 records in all" in records


def test_a_refusal_says_what_to_do_in_the_words_of_the_options() -> None:
    report = VerificationReport(
        level=ProofLevel.NONE, refusal=Refusal.NOT_FOUND, message="answered 404", hint="Check spec.target.url."
    )

    assert proof_text(report) == "Refused     WrongURL: answered 404\nTo do       Check --url."
    readings = tuple(Reading(moment=moment, rows=7) for moment in (ReadingMoment.BEFORE, ReadingMoment.VERIFIED))
    read_back = ReadBackReport(settle_seconds=5, readings=readings)
    proven = VerificationReport(level=ProofLevel.ECHOED, addresses=("10.0.0.1:80",), read_back=read_back)
    assert "Proof       Echoed: 10.0.0.1:80" in proof_text(proven)
    assert "\n            the read-back agrees so far: 7 rows before" in proof_text(proven)
    assert proof_text(report, {}) == "Refused     WrongURL: answered 404\nTo do       Check spec.target.url."
    assert proof_text(VerificationReport(level=ProofLevel.NONE, message="was cut off")) == "Cut off     was cut off"


def test_the_closing_has_verdict_reasons_figures_thresholds_health_and_diagnoses() -> None:
    step = a_step(accepted=90, rejected=10, errors={ErrorKind.SERVER_ERROR: 10})
    addresses = {"10.0.0.1:80": AddressCounts(sent=60, accepted=60), "10.0.0.2:80": AddressCounts(sent=40, failed=10)}
    rerouted_step = structs.replace(step, addresses=addresses, total=structs.replace(step.total, rerouted=3))
    text = closing_text(summary_of(a_plan(), a_run(rerouted_step)))

    assert text.startswith("Verdict     Failed\n            - threshold error_rate < 1% is breached: measured 10.00%")
    assert "Proof       Echoed" in text
    assert (
        "Uploads     100 due in 2m, with the last answers: 90 accepted, 10 rejected, 0 unknown, 0 violation, 0 dropped"
        in text
    )
    assert "Rerouted    3 whose address had left the target, to another" in text
    assert "Errors      server_error 10" in text
    assert "Thresholds  FAILED  error_rate < 1%  10.00%" in text
    assert "Health      Critical" in text
    assert "10.0.0.2:80  40 sent  0 accepted   10 failed" in text
    assert "What to do: " in text
    assert "\x1b" not in text


def test_by_hand_nobody_is_sent_for_more_pods() -> None:
    lag = GeneratorHealth(loop_lag_p99_seconds=0.5)
    summary = summary_of(a_plan(), structs.replace(a_run(a_step()), generator=lag))

    assert "(spec.parallelism)" in summary.generator.notes[0]
    assert "event loop lagged by 500 ms" in closing_text(summary)
    assert "more pods" not in closing_text(summary)


def test_what_the_target_held_is_told_or_why_it_is_not_known() -> None:
    def target_text(memory: TargetMemory) -> str:
        return closing_text(summary_of(a_plan(), structs.replace(a_run(a_step()), target_memory=memory)))

    points = ((0.0, 120_000_000), (3.0, 110_000_000))

    assert "Target      held 120.0 MB of memory at most" in target_text(TargetMemory(points=points))
    text = target_text(TargetMemory(points=points, problem="not measurable: several processes answer"))
    assert "Target      memory not measurable: several processes answer" in text
    assert "120.0 MB of memory" not in text
    assert "Target " not in target_text(TargetMemory())


def test_what_a_run_will_lack_is_noticed_beforehand() -> None:
    text = opening_text(a_plan(records={"contact": "reserved"}, load={"records": 2_000_000}), None)

    assert "\nNotice      " in text
    assert "phone" in text.partition("Notice")[2]


def test_a_verdict_is_coloured_on_demand_and_several_steps_have_a_table() -> None:
    summary = summary_of(a_plan(scenario="all", thresholds=["p95 < 9s"]), a_run(*[a_step()] * 4))

    assert closing_text(summary, in_colour=True).startswith("Verdict     \x1b[1;32mPassed\x1b[0m")
    assert "Steps       step    uploads" in closing_text(summary)


def test_without_a_load_only_the_first_reason_is_given() -> None:
    summary = summary_of(a_plan(), Aggregate(), Gap(Reason.Stopped, "the test was stopped"))

    assert list(verdict_lines(summary, in_colour=False)) == [
        "Verdict     Inconclusive",
        "            - the test was stopped",
    ]
    assert len(summary.reasons) > 1


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.00042, "0.4 ms"),
        (0.0874, "87 ms"),
        (0.9321, "932 ms"),
        (0.9996, "1.000 s"),
        (12.3456, "12.346 s"),
        (123.4, "123 s"),
    ],
)
def test_response_times_are_readable(seconds: float | None, text: str) -> None:
    assert seconds_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.7, "0.7s"), (45, "45s"), (120, "2m"), (125, "2m05s"), (3_600, "1h00m"), (5_430, "1h30m")]
)
def test_spans_are_readable(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


def test_what_is_wider_than_the_terminal_goes_on_below_its_own_beginning() -> None:
    text = "Health      Warning\n            - " + "slow " * 15 + "\n  ok  a table " + "row " * 20

    assert fit_to_width(text, 60).splitlines() == [
        "Health      Warning",
        "            - slow slow slow slow slow slow slow slow slow",
        "              slow slow slow slow slow slow",
        "  ok  a table row row row row row row row row row row row",
        "            row row row row row row row row row",
    ]
    assert fit_to_width(text, None) == text


def test_bytes_are_readable() -> None:
    assert [bytes_text(count) for count in (12, 1_234, 5_600_000, 2.5e9)] == ["12 B", "1.2 kB", "5.6 MB", "2.5 GB"]


# What is written.


def test_results_are_written_in_one_piece_under_the_name_and_time(tmp_path: Path) -> None:
    files = result_files(tmp_path / "deep" / "out", "heavy", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    write_results(files, a_result(a_plan()))
    write_results(files, a_result(a_plan()))

    assert sorted(path.name for path in files.summary.parent.iterdir()) == [
        "heavy_20260102T030405Z.csv",
        "heavy_20260102T030405Z.json",
        "heavy_20260102T030405Z_junit.xml",
        "heavy_20260102T030405Z_report.html",
        "heavy_20260102T030405Z_summary.json",
        "heavy_20260102T030405Z_summary.md",
    ]


def test_secrets_are_hidden_in_what_is_written(tmp_path: Path) -> None:
    target = {
        "url": "http://a.shop/u/?key=s3cret&tenant=s3cret",
        "headers": {"X-Key": "s3cret"},
        "formFields": {"pin": "s3cret"},
        "metricsUrl": "http://a.shop/metrics?key=s3cret",
    }
    read_back = {"url": "http://a.shop/c/?key=s3cret", "countPath": "n", "headers": {"X-Key": "s3cret"}}
    plan = a_plan(target=target, verification={"readBack": read_back})
    files = result_files(tmp_path, "heavy", datetime(2026, 1, 1, tzinfo=UTC))

    write_results(files, a_result(plan))

    assert not any("s3cret" in path.read_text() for path in tmp_path.iterdir())
    public_target = json.loads(files.details.read_text())["plan"]["target"]
    assert public_target["headers"] == {"X-Key": "***"}
    assert public_target["url"] == "http://a.shop/u/?key=***&tenant=***"
    assert without_secrets(plan)["readBack"]["headers"] == {"X-Key": "***"}
    assert public_url("http://a/u/") == "http://a/u/"


def test_a_folder_that_cannot_be_made_is_a_wrong_option(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match=r"--out is .*file/out, which cannot be made"):
        result_files(tmp_path / "file" / "out", "heavy", datetime(2026, 1, 1, tzinfo=UTC))


# Interrupts.


def test_a_person_may_interrupt_twice_and_a_signal_to_terminate_counts_as_both() -> None:
    changes: list[int] = []
    person_interrupts = Interrupts(lambda: changes.append(1))
    system_interrupts = Interrupts(lambda: changes.append(2))

    person_interrupts.receive_signal(signal.SIGINT)
    first_count = person_interrupts.count
    person_interrupts.receive_signal(signal.SIGINT)
    person_interrupts.receive_signal(signal.SIGINT)
    system_interrupts.receive_signal(signal.SIGTERM)

    assert (first_count, person_interrupts.count, person_interrupts.source) == (1, 2, "Ctrl-C")
    assert (system_interrupts.count, system_interrupts.source) == (2, "SIGTERM")
    assert changes == [1, 1, 2]
