"""`loadgen run` from its options to its files and its exit status."""

import asyncio
import csv
import json
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from example_server import UPLOAD_PATH, ExampleServer, example_server
from http_target import PATH, HttpTarget, ReceivedUpload, honouring_answer, running_target, storing_answer
from loadgen.http.endpoints import Endpoint
from loadgen.local.samples import SAMPLE_COLUMNS
from loadgen.local.session import Session
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.reason_groups import ReasonClass
from support.loadgen_plans import make_plan
from support.local_runs import assert_passed, command, environment, in_terminal, loadgen, results_in
from support.summary_schema import EXACT

REPOSITORY = Path(__file__).resolve().parents[3]
SECRET = "a secret of at least thirty-two bytes"
VERIFICATION_UPLOADS = 4
SHORT = ("custom", "--batch-size", 100, "--virtual-users", 2, "--duration", "1500ms", "--think-time", "20ms")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    with example_server(tmp_path_factory.mktemp("target")) as server:
        yield server


def url_of(server: ExampleServer) -> str:
    return f"http://127.0.0.1:{server.port}{UPLOAD_PATH}"


async def test_a_run_that_passes_says_so_and_writes_all_files(target: ExampleServer, tmp_path: Path) -> None:
    done = await loadgen("run", *SHORT, "--url", url_of(target), "--out", tmp_path)

    results = results_in(tmp_path)
    summary = results.summary
    assert_passed(summary)
    assert done.returncode == (0 if summary.verdict is Verdict.PASSED else 2), done.stdout + done.stderr
    assert summary.requests.due == summary.requests.accepted > 2
    assert summary.records.confirmed == 100 * summary.requests.accepted
    assert sum(int(row["accepted"]) for row in csv.DictReader(results.time_series)) == summary.requests.accepted
    assert results.details["complete"] is True
    assert results.details["summary"] == results.summary_json
    EXACT.validate(results.summary_json)
    assert (results.summary_json["target"]["memory_bytes"], results.summary_json["target"]["restarts"]) == (None, None)
    assert results.details["plan"]["target"]["url"] == url_of(target)
    assert [re.sub(r"^custom_\d{8}T\d{6}Z", "", name) for name in results.names] == [
        ".csv",
        ".json",
        "_junit.xml",
        "_report.html",
        "_summary.json",
        "_summary.md",
    ]
    for text in (
        "Target      http://127.0.0.1",
        "Proof       Echoed",
        f"Verdict     {summary.verdict}",
        "p95 < 20s",
        "Health",
        "Files",
    ):
        assert text in done.stdout
    assert target.count() == 0


async def test_a_breached_threshold_fails_the_run(target: ExampleServer, tmp_path: Path) -> None:
    # On a machine that is too busy for the generator, a time or a count that is too low would prove nothing.
    bound = "accepted < 1"
    done = await loadgen("run", *SHORT, "--url", url_of(target), "--out", tmp_path, "--threshold", bound)

    assert done.returncode == 1, done.stdout
    assert re.search(rf"Verdict     Failed\n +- threshold {bound} is breached: measured", done.stdout)
    assert [threshold.expression for threshold in results_in(tmp_path).summary.thresholds] == [bound]


async def test_a_target_that_ignores_the_header_is_refused_with_3_and_gets_no_load(tmp_path: Path) -> None:
    async with running_target(storing_answer) as target:
        done = await loadgen("run", *SHORT, "--url", target.url, "--out", tmp_path)

        summary = results_in(tmp_path).summary
        assert done.returncode == 3
        assert "Refused     LoadTestHeaderIgnored" in done.stdout
        assert (summary.verdict, summary.reason_class) == (Verdict.FAILED, ReasonClass.REFUSED)
        assert len(summary.reasons) == 1, summary.reasons
        assert summary.requests.due == 0
        assert target.rows == 0


async def test_a_target_that_loses_the_marker_under_load_fails_the_run_at_once(tmp_path: Path) -> None:
    def loses_the_marker(received: ReceivedUpload) -> web.Response:
        return honouring_answer(received) if received.number < 10 else storing_answer(received)

    async with running_target(loses_the_marker) as target:
        done = await loadgen("run", "light", "--url", target.url, "--batch-size", 10, "--out", tmp_path)

    summary = results_in(tmp_path).summary
    assert done.returncode == 1, done.stdout
    assert summary.requests.violation == 1
    assert summary.duration_seconds < 30
    assert "may be stored" in summary.reasons[0]


async def test_a_breach_that_lasts_aborts_the_run(tmp_path: Path) -> None:
    def fails_under_load(received: ReceivedUpload) -> web.StreamResponse:
        return honouring_answer(received) if received.number < VERIFICATION_UPLOADS else web.Response(status=500)

    async with running_target(fails_under_load) as target:
        arguments = ("light", "--batch-size", 10, "--abort", "error_rate<50%", "--abort-after", "1s")
        done = await loadgen("run", *arguments, "--think-time", "50ms", "--url", target.url, "--out", tmp_path)

    summary = results_in(tmp_path).summary
    assert done.returncode == 1, done.stdout
    assert summary.reasons[0].startswith("aborted: threshold error_rate<50% is breached")
    assert summary.duration_seconds < 20
    assert summary.requests.rejected > 3


async def test_the_variables_of_the_environment_are_read(tmp_path: Path) -> None:
    token = jwt.encode({"exp": time.time() + 600}, SECRET, "HS256")
    with example_server(tmp_path, {"JWT_SECRET": SECRET}) as guarded_server:
        variables = {
            "API_URL": url_of(guarded_server),
            "AUTH_TOKEN": token,
            "BATCH_SIZE": "50",
            "CONCURRENCY": "3",
            "DURATION": "1s",
        }
        done = await loadgen("run", "custom", "--out", tmp_path / "out", variables=variables)

    results = results_in(tmp_path / "out")
    (step,) = results.summary.steps
    assert_passed(results.summary)
    assert (step.batch_size, step.virtual_users, step.load_seconds) == (50, 3, 1.0)
    assert "(from API_URL)" in done.stdout
    output = done.stdout + done.stderr + json.dumps(results.details)
    assert token not in output


async def test_an_option_goes_before_the_environment_and_that_before_the_manifest(
    target: ExampleServer, tmp_path: Path
) -> None:
    manifest = tmp_path / "loadtest.yaml"
    manifest.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "x-load-test.dev/v1alpha1",
                "kind": "LoadTest",
                "metadata": {"name": "mine"},
                "spec": {
                    "target": {"url": "http://127.0.0.1:9/"},
                    "scenario": "custom",
                    "load": {"batchSize": 7, "virtualUsers": 1, "duration": "1h"},
                },
            }
        )
    )
    arguments = ("run", "-f", manifest, "--url", url_of(target), "--duration", "1s", "--out", tmp_path / "out")

    await loadgen(*arguments, variables={"CONCURRENCY": "2", "DURATION": "60"})

    summary = results_in(tmp_path / "out").summary
    assert_passed(summary)
    assert summary.name == "mine"
    assert [(step.batch_size, step.virtual_users, step.load_seconds) for step in summary.steps] == [(7, 2, 1.0)]


async def test_a_manifest_of_the_examples_runs_here(target: ExampleServer, tmp_path: Path) -> None:
    manifest = REPOSITORY / "examples" / "loadtest-light.yaml"

    await loadgen("run", "-f", manifest, "--url", url_of(target), "--duration", "1s", "--out", tmp_path)

    summary = results_in(tmp_path).summary
    assert_passed(summary)
    assert (summary.name, summary.scenario, summary.steps[0].batch_size) == ("light", "light", 1000)


async def test_an_uploaded_workbook_is_counted_row_by_row(target: ExampleServer, tmp_path: Path) -> None:
    await loadgen("run", *SHORT, "--format", "xlsx", "--url", url_of(target), "--out", tmp_path)

    summary = results_in(tmp_path).summary
    assert_passed(summary)
    assert summary.records.confirmed == summary.records.sent > 0


async def test_a_number_of_records_is_sent_and_the_load_ends(target: ExampleServer, tmp_path: Path) -> None:
    arguments = ("custom", "--batch-size", 300, "--virtual-users", 2, "--records", 1000)

    await loadgen("run", *arguments, "--url", url_of(target), "--out", tmp_path)

    summary = results_in(tmp_path).summary
    assert_passed(summary)
    assert (summary.records.sent, summary.requests.due) == (1000, 4)
    assert summary.throughput.records_per_second > 100


async def test_verify_reads_the_environment_and_prints_json(target: ExampleServer) -> None:
    done = await loadgen("verify", "--json", variables={"API_URL": url_of(target), "BATCH_SIZE": "70"})

    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert (report["level"], report["checks"][-1]["rows"]) == ("Echoed", 70)


async def test_all_runs_the_four_scenarios_with_a_result_each(target: ExampleServer, tmp_path: Path) -> None:
    short = ("--batch-size", 50, "--duration", "1s", "--think-time", "50ms")
    bounds = ("--threshold", "accepted > 0", "--threshold", "heavy.error_rate < 1%")
    done = await loadgen("run", "all", *short, *bounds, "--url", url_of(target), "--out", tmp_path)

    summary = results_in(tmp_path).summary
    assert_passed(summary)
    assert [step.name for step in summary.steps] == ["light", "medium", "heavy", "stress"]
    assert [step.virtual_users for step in summary.steps] == [1, 3, 5, 10]
    assert all(step.requests.accepted > 0 for step in summary.steps)
    assert sum(step.requests.accepted for step in summary.steps) == summary.requests.accepted
    assert [result.step for result in summary.thresholds if result.expression == "accepted > 0"] == [
        "light",
        "medium",
        "heavy",
        "stress",
    ]
    assert "Steps       step    uploads" in done.stdout


async def test_the_targets_memory_is_read_from_its_metrics(tmp_path: Path) -> None:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text="process_resident_memory_bytes 123e6\nprocess_start_time_seconds 1e9\n")

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    async with running_target() as target, TestServer(application, host="127.0.0.1") as server:
        options = ("--url", target.url, "--metrics-url", f"http://127.0.0.1:{server.port}/metrics")
        done = await loadgen("run", *SHORT, *options, "--out", tmp_path)

    assert results_in(tmp_path).summary_json["target"]["memory_bytes"] == 123_000_000
    assert "Target      held 123.0 MB of memory at most" in done.stdout


async def test_json_is_all_that_goes_to_standard_output(target: ExampleServer, tmp_path: Path) -> None:
    done = await loadgen("run", *SHORT, "--url", url_of(target), "--out", tmp_path, "--json")

    assert json.loads(done.stdout) == results_in(tmp_path).summary_json
    assert "Target      " in done.stderr


async def test_quiet_prints_the_verdict_alone(target: ExampleServer, tmp_path: Path) -> None:
    done = await loadgen("run", *SHORT, "--url", url_of(target), "--out", tmp_path, "--quiet")

    assert done.stdout.splitlines()[0] == f"Verdict     {results_in(tmp_path).summary.verdict}"
    assert "Target" not in done.stdout
    assert done.stderr == ""


async def test_samples_hold_a_line_for_every_upload(target: ExampleServer, tmp_path: Path) -> None:
    file = tmp_path / "samples.csv"

    await loadgen("run", *SHORT, "--url", url_of(target), "--out", tmp_path / "out", "--samples", file)

    rows = list(csv.DictReader(file.read_text().splitlines()))
    summary = results_in(tmp_path / "out").summary
    assert tuple(rows[0]) == SAMPLE_COLUMNS
    assert len(rows) == summary.requests.sent
    assert {row["outcome"] for row in rows} == {"accepted"}
    longest = max(float(row["response_seconds"]) for row in rows)
    assert longest == pytest.approx(summary.response_time_seconds.max, abs=1e-6)


async def test_debug_prints_size_status_times_and_answer_of_each_upload(target: ExampleServer, tmp_path: Path) -> None:
    done = await loadgen("run", *SHORT, "--url", url_of(target), "--out", tmp_path, "--debug")

    lines = [line for line in done.stderr.splitlines() if line.startswith("#")]
    summary = results_in(tmp_path).summary
    assert len(lines) == summary.verification.uploads + summary.requests.sent
    assert [line.split(" ")[1] for line in lines[:5]] == ["header-only", "canary", "few-rows", "full-batch", "custom"]
    assert re.match(r"#2 canary 127\.0\.0\.1:\d+: 1 record, \d+ B -> 200, accepted; ", lines[1])
    size_and_answer, _, times_and_answer = lines[4].partition("; ")
    assert re.fullmatch(r"#5 custom 127\.0\.0\.1:\d+: 100 records, [\d.]+ kB -> 200, accepted", size_and_answer)
    assert re.match(r'connect .*, upload .*, wait .*; \{"success', times_and_answer)


async def test_outside_a_terminal_progress_is_told_in_plain_lines(tmp_path: Path) -> None:
    async with running_target() as target:
        arguments = ("custom", "--batch-size", 10, "--stage", "6s:1", "--stage", "6s:2")
        done = await loadgen("run", *arguments, "--url", target.url, "--out", tmp_path)

    assert_passed(results_in(tmp_path).summary)
    assert re.search(r"(?m)^ +\d+s/12s +\d+%  custom, stage 2 of 2  VUs \d  in flight", done.stderr)
    assert "\x1b" not in done.stdout + done.stderr


# Interruptions.


class Slow:
    """Honours the header; once verified, it holds each answer back until it is let go, or for a minute."""

    def __init__(self) -> None:
        self.release = asyncio.Event()
        self.both_wait = asyncio.Event()
        self.waiting = 0

    async def answer(self, received: ReceivedUpload) -> web.StreamResponse:
        if received.number >= VERIFICATION_UPLOADS:
            self.waiting += 1
            if self.waiting == 2:
                self.both_wait.set()
            async with asyncio.timeout(60):
                await self.release.wait()
        return honouring_answer(received)


def slow_run(target: HttpTarget, out: Path) -> tuple[object, ...]:
    return ("run", "light", "--virtual-users", 2, "--url", target.url, "--batch-size", 10, "--out", out)


@pytest.mark.parametrize("uvloop", [True, False], ids=["uvloop", "asyncio"])
async def test_ctrl_c_once_finishes_what_is_in_flight(tmp_path: Path, uvloop: bool) -> None:
    slow = Slow()
    async with running_target(slow.answer) as target:
        with in_terminal(*slow_run(target, tmp_path), uvloop=uvloop) as terminal:
            await terminal.until_true(lambda: slow.waiting == 2)
            terminal.press_ctrl_c()
            await terminal.until("2 uploads in flight may finish; Ctrl-C again cuts them")
            slow.release.set()
            status = await terminal.exit_status()

    summary = results_in(tmp_path).summary
    assert status == 2, terminal.plain
    assert summary.verdict is Verdict.INCONCLUSIVE
    assert summary.reasons[0] == "the test was stopped by Ctrl-C while it ran"
    assert (summary.requests.due, summary.requests.accepted) == (2, 2)
    assert re.search(r"Verdict     Inconclusive", terminal.plain)


@pytest.mark.parametrize("uvloop", [True, False], ids=["uvloop", "asyncio"])
async def test_ctrl_c_twice_stops_at_once_and_still_writes_what_there_is(tmp_path: Path, uvloop: bool) -> None:
    slow = Slow()
    async with running_target(slow.answer) as target:
        with in_terminal(*slow_run(target, tmp_path), uvloop=uvloop) as terminal:
            await terminal.until_true(lambda: slow.waiting == 2)
            terminal.press_ctrl_c()
            await terminal.until("Ctrl-C again cuts them")
            start = time.monotonic()
            terminal.press_ctrl_c()
            status = await terminal.exit_status()
            stop_seconds = time.monotonic() - start
            slow.release.set()

    results = results_in(tmp_path)
    assert status == 2, terminal.plain
    assert stop_seconds < 4
    assert results.details["complete"] is True
    assert results.summary.reasons[0] == "the test was stopped at once by Ctrl-C while it ran"
    assert (results.summary.requests.due, results.summary.requests.unknown) == (2, 2)
    assert results.summary.errors == {"cancelled": 2}


async def test_outside_a_terminal_what_ctrl_c_does_is_told_at_once(tmp_path: Path) -> None:
    slow = Slow()
    async with running_target(slow.answer) as target:
        process = await asyncio.create_subprocess_exec(
            *command(*slow_run(target, tmp_path)), stderr=asyncio.subprocess.PIPE, env=environment()
        )
        assert process.stderr is not None
        try:
            async with asyncio.timeout(30):
                await slow.both_wait.wait()
                process.send_signal(signal.SIGINT)
                output = ""
                while "2 uploads in flight may finish; Ctrl-C again cuts them" not in output:
                    line = (await process.stderr.readline()).decode()
                    assert line, output
                    output += line
                slow.release.set()
                assert await process.wait() == 2
        finally:
            if process.returncode is None:
                process.kill()


async def test_the_end_of_the_terminal_stops_at_once_unless_it_is_ignored(tmp_path: Path) -> None:
    for prefix, folder in (((), "heeded"), (("nohup",), "ignored")):
        slow, out = Slow(), tmp_path / folder
        async with running_target(slow.answer) as target:
            process = await asyncio.create_subprocess_exec(
                *prefix,
                *command(*slow_run(target, out)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                env=environment(),
            )
            try:
                async with asyncio.timeout(60):
                    await slow.both_wait.wait()
                    process.send_signal(signal.SIGHUP)
                    # A second signal, of another kind, ends the run that took no notice of the first.
                    process.send_signal(signal.SIGTERM)
                    await process.wait()
                    slow.release.set()
            finally:
                if process.returncode is None:
                    process.kill()
        name = "SIGTERM" if prefix else "SIGHUP"
        assert results_in(out).summary.reasons[0] == f"the test was stopped at once by {name} while it ran"


ENDED_WHILE_IT_WRITES = """
import os, sys
from loadgen.cli import main, run_command

number, write_results = int(sys.argv.pop(1)), run_command.write_results

def end_this_process_and_write(files, result):
    if result.complete:
        os.kill(os.getpid(), number)
    write_results(files, result)

run_command.write_results = end_this_process_and_write
sys.exit(main.main())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_while_the_results_are_written_takes_none_of_them(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with running_target() as target:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", ENDED_WHILE_IT_WRITES, str(int(number))),
            *map(str, ("run", "custom", "--duration", "1s", *slow_run(target, tmp_path)[2:])),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(),
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate()

    results = results_in(tmp_path)
    assert process.returncode in (0, 2), output.decode()
    assert results.details["complete"] is True
    assert "stopped" not in " ".join(results.summary.reasons)
    assert "Verdict" in output.decode()


async def test_a_signal_to_terminate_stops_at_once(tmp_path: Path) -> None:
    slow = Slow()
    async with running_target(slow.answer) as target:
        with in_terminal(*slow_run(target, tmp_path)) as terminal:
            await terminal.until_true(lambda: slow.waiting == 2)
            terminal.process.send_signal(signal.SIGTERM)
            status = await terminal.exit_status(4)
            slow.release.set()

    assert status == 2
    assert results_in(tmp_path).summary.reasons[0] == "the test was stopped at once by SIGTERM while it ran"


async def test_ctrl_c_during_the_verification_leaves_the_target_without_load(tmp_path: Path) -> None:
    release = asyncio.Event()
    canary_arrival = asyncio.Event()

    async def holds_the_canary(received: ReceivedUpload) -> web.StreamResponse:
        if received.rows == 1:
            canary_arrival.set()
            async with asyncio.timeout(60):
                await release.wait()
        return honouring_answer(received)

    async with running_target(holds_the_canary) as target:
        with in_terminal(*slow_run(target, tmp_path)) as terminal:
            await asyncio.wait_for(canary_arrival.wait(), 30)
            terminal.press_ctrl_c()
            status = await terminal.exit_status()
            release.set()

    summary = results_in(tmp_path).summary
    assert status == 3, terminal.plain
    assert summary.started_at is None
    assert summary.reasons[0].startswith("the test was stopped by Ctrl-C before the load began")


async def test_a_run_that_is_killed_leaves_what_there_was(tmp_path: Path) -> None:
    async with running_target() as target:
        with in_terminal(*slow_run(target, tmp_path)) as terminal:
            await terminal.until_true(lambda: any(tmp_path.glob("*_summary.json")))
            terminal.process.send_signal(signal.SIGKILL)
            await terminal.exit_status()

    results = results_in(tmp_path)
    assert results.details["complete"] is False
    assert results.summary.verdict is Verdict.INCONCLUSIVE
    assert results.summary.requests.accepted > 0


async def test_a_terminal_shows_progress_that_is_drawn_over_itself(tmp_path: Path) -> None:
    async with running_target() as target:
        arguments = ("custom", "--batch-size", 10, "--stage", "2s:1", "--stage", "1s:2")
        with in_terminal("run", *arguments, "--url", target.url, "--out", tmp_path) as terminal:
            await terminal.exit_status()

    assert_passed(results_in(tmp_path).summary)
    assert re.search(r"━+╌* +\d+%  2s/3s  custom, stage \d of 2", terminal.plain)
    assert re.search(r"VUs \d  in flight \d  records [\d,]+  records/s [\d,]+\s", terminal.plain)
    assert re.search(r"p95 [\d.]+ ms  errors 0 \(0\.00%\)", terminal.plain)
    assert terminal.text.count("\x1b[4A") >= 3
    assert terminal.text.index("\x1b[?25l") < terminal.text.rindex("\x1b[?25h")
    assert re.search(r"\x1b\[1;3[23]m(Passed|Inconclusive)", terminal.text)


async def test_no_color_is_obeyed(tmp_path: Path) -> None:
    async with running_target() as target:
        arguments = ("custom", "--batch-size", 10, "--duration", "1s", "--url", target.url, "--out", tmp_path)
        with in_terminal("run", *arguments, variables={"NO_COLOR": "1"}) as terminal:
            await terminal.exit_status()

    assert "\nVerdict     " in terminal.text
    assert "\x1b[1;" not in terminal.text


async def test_a_proven_address_that_breaks_its_promise_when_it_is_verified_again_ends_a_run_without_a_fleet() -> None:
    async with running_target() as first_target, running_target(host="127.0.0.2") as second_target:
        sound, faulty = Endpoint("127.0.0.1", first_target.port), Endpoint("127.0.0.2", second_target.port)
        addresses = (str(sound), str(faulty))
        plan = make_plan(f"http://django.shop{PATH}", duration_seconds=60, addresses=addresses)
        session = Session(plan, time.monotonic_ns)
        await session.verify()
        second_target.answer = lambda received: (
            storing_answer(received) if received.rows == 1 else honouring_answer(received)
        )
        loading = asyncio.create_task(session.load())
        async with asyncio.timeout(20):
            while len(second_target.uploads) < 5:  # noqa: ASYNC110 - the target runs in this loop
                await asyncio.sleep(0.01)
            for addresses_now in ((sound,), (sound, faulty)):
                session._share.update_addresses(addresses_now, more=False)
            await loading

        (violation,) = session.aggregate().violations
        assert (violation.kind, violation.address) == (ErrorKind.MARKER_MISSING, str(faulty))
        assert session.defect is None
        assert not session.reads_back
