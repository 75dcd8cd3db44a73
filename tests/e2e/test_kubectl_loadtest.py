"""Every command of the plugin, as kubectl finds it on the PATH, against a real API server and real runs."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree as Xml

import pytest
import yaml

from kubectl_loadtest.commands.registry import COMMANDS
from localcluster.installation import OPERATOR
from localcluster.rest import Json, wait_for
from peers.readers_of_status import kubectl
from support.cut_proxy import cut_proxy
from support.loadtests import PATH, Namespace

URL = "http://clients:8000/clients/upload/process/"
LOAD = ("--batch-size", "200", "--virtual-users", "2", "--duration", "4s")
# Long enough for five blocks of a second, by which a run is compared with the one before.
COMPARED = (
    *("--batch-size", "200", "--virtual-users", "2", "--duration", "6s"),
    *("--threshold", "error_rate < 1%", "--threshold", "p95 < 20s", "--threshold", "p95 < baseline + 900%"),
)
LONG = ("--batch-size", "200", "--virtual-users", "2", "--duration", "60s")
PROGRAMS = Path(sys.executable).parent
END_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Plugin:
    """`kubectl loadtest` as somebody types it, with flags of kubectl behind the command."""

    kubeconfig: Path
    flags: tuple[str, ...]

    def start(self, *arguments: str, given: str | None = None) -> subprocess.Popen[str]:
        program = kubectl()
        searched = os.pathsep.join([str(PROGRAMS), str(program.parent), os.environ["PATH"]])
        return subprocess.Popen(
            [str(program), "loadtest", *arguments, *self.flags],
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), "PATH": searched, "KUBECTL": str(program)},
            stdin=subprocess.PIPE if given else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, given: str | None = None) -> Answer:
        process = self.start(*arguments, given=given)
        try:
            stdout, stderr = process.communicate(given, timeout=END_SECONDS)
        finally:
            process.kill()
        print(f"$ kubectl loadtest {' '.join(arguments)}\n{stderr}{stdout}[{process.returncode}]")
        return Answer(process.returncode, stdout, stderr)

    def with_flags(self, *flags: str) -> "Plugin":
        return replace(self, flags=(*self.flags, *flags))


@pytest.fixture(scope="module")
def target(namespace: Namespace) -> Namespace:
    namespace.deploy_slow()
    namespace.until_available("clients")
    return namespace


@pytest.fixture(scope="module")
def plugin(target: Namespace) -> Plugin:
    return Plugin(target.cluster.kubeconfig, ("--namespace", target.name))


@pytest.fixture(scope="module")
def passed(plugin: Plugin) -> Answer:
    """The run `passes`, as its command was answered."""
    return plugin("run", "custom", "--name", "passes", "--url", URL, *COMPARED, "--run-id", "one")


@pytest.fixture
def long_run(plugin: Plugin, request: pytest.FixtureRequest) -> Iterator[str]:
    """A test that would load for a minute, started and left; stopped afterwards."""
    name = re.sub(r"[^a-z]+", "-", request.node.name)[:40].strip("-")
    answer = plugin("run", "custom", "--name", name, "--url", URL, *LONG, "--detach")
    assert answer.status == 0
    yield name
    plugin("stop", name)
    plugin("watch", name)


def load_test(target: Namespace, name: str) -> Json:
    return target.rest.call("GET", f"{PATH.format(namespace=target.name)}/{name}")


def until_running(target: Namespace, name: str) -> None:
    def is_running() -> bool:
        test = target.rest.get_or_none(f"{PATH.format(namespace=target.name)}/{name}")
        return bool(test and test.get("status", {}).get("phase") == "Running")

    wait_for(f"{name} to run", is_running, 60)


def test_a_run_from_options_shows_its_course_and_ends_with_verdict_thresholds_proof_and_results(
    passed: Answer, target: Namespace
) -> None:
    assert passed.status == 0
    assert passed.stdout.startswith("loadtest.x-load-test.dev/passes applied as run one\n")
    assert re.search(r"^ +\d+ s  Running +\d+%  pods \d/1  VUs \d", passed.stderr, re.MULTILINE)
    for line in (
        r"Verdict     Passed",
        r"Uploads     \d+ due: \d+ accepted, 0 rejected",
        r"Thresholds  ok  error_rate < 1% +0.00%",
        r"Proof       \w+; the verification sent 4 uploads with 206 rows",
        rf"Results     ConfigMap {target.name}/passes-[0-9a-f]{{8}}-results",
    ):
        assert re.search(rf"^{line}", passed.stdout, re.MULTILINE), line
    assert "\x1b" not in passed.stdout + passed.stderr
    assert load_test(target, "passes")["spec"]["load"]["batchSize"] == 200


def test_the_exit_status_is_that_of_the_verdict(plugin: Plugin, tmp_path: Path) -> None:
    breached = plugin("run", "custom", "--name", "breaks", "--url", URL, *LOAD, "--threshold", "p95<1ms")
    nowhere = plugin("run", "custom", "--name", "nowhere", "--url", f"{URL}nowhere/", *LOAD)
    manifest = {
        "apiVersion": "x-load-test.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "large"},
        "spec": {"target": {"url": URL}, "scenario": "large"},
    }
    refused = plugin("run", "-f", "-", given=yaml.safe_dump(manifest))
    usage = plugin("run", "custom", "--url", URL, "--duration", "soon")

    assert (breached.status, "FAILED  p95<1ms" in breached.stdout) == (1, True)
    assert (nowhere.status, "Nothing was loaded (Misconfigured: WrongURL)." in nowhere.stdout) == (3, True)
    assert (refused.status, "spec.scenario: Unsupported value" in refused.stderr) == (3, True)
    assert (usage.status, usage.stderr.startswith("error: --duration is 'soon'")) == (64, True)


def test_a_run_saves_its_results_where_asked_whatever_its_verdict(plugin: Plugin, tmp_path: Path) -> None:
    run = ("run", "custom", "--name", "saved", "--url", URL, *LOAD, "--threshold", "p95<1ms", "--run-id", "one")
    answer = plugin(*run, "--out", str(tmp_path / "at-once"))
    later = plugin("results", "saved", "--out", str(tmp_path / "later"))

    assert (answer.status, later.status) == (1, 0)
    saved, expected = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("at-once", "later")
    )
    assert saved == expected
    assert set(saved) >= {"saved_one_report.html", "saved_one_summary.json", "saved_one_junit.xml"}
    assert all(str(tmp_path / "at-once" / name) in answer.stdout for name in saved)
    assert plugin(*run, "--out", str(tmp_path), "--detach").status == 64


def test_a_manifest_runs_under_a_new_run_id_each_time_and_prints_itself_where_asked(
    plugin: Plugin, target: Namespace, tmp_path: Path
) -> None:
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps(target.manifest("written", load={"batchSize": 100, "duration": "2s"}, parallelism=1)))

    answers = [plugin("run", "-f", str(path), "--run-id", run_id, "-o", "json") for run_id in ("a", "b")]

    documents = [json.loads(answer.stdout) for answer in answers]
    assert [answer.status for answer in answers] == [0, 0]
    assert [document["status"]["runId"] for document in documents] == ["a", "b"]
    assert all("Running" in answer.stderr for answer in answers)


def test_a_run_is_listed_described_and_its_results_are_saved(passed: Answer, plugin: Plugin, tmp_path: Path) -> None:
    listed, named, described = (
        plugin("get", "passes"),
        plugin("get", "-o", "name", "passes"),
        plugin("describe", "passes"),
    )
    saved = plugin("results", "passes", "--out", str(tmp_path))

    assert (listed.status, "Passed" in listed.stdout) == (0, True)
    assert named.stdout == "loadtest.x-load-test.dev/passes\n"
    assert described.status == 0
    assert "run one, scenario custom" in described.stdout
    assert re.search(r"^Verdict     Passed$", described.stdout, re.MULTILINE)
    assert re.search(r"^ +\S+ ago +Normal +Passed +Passed: no threshold", described.stdout, re.MULTILINE)
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert saved.stdout.splitlines() == sorted(str(tmp_path / name) for name in files)
    assert json.loads(files["passes_one_summary.json"])["verdict"] == "Passed"
    assert Xml.fromstring(files["passes_one_junit.xml"]).tag == "testsuites"
    assert files["passes_one_time_series.csv"].count("\n") >= 4
    assert "passes" in files["passes_one_report.html"]


def test_a_report_is_saved_printed_and_opened_as_the_operator_wrote_it(
    passed: Answer, plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, opened = tmp_path / "report.html", tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{opened}\n', encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.chdir(tmp_path)

    saved = plugin("report", "passes@one", "-o", str(path))
    printed = plugin("report", "passes@one", "-o", "-")
    shown = plugin("report", "passes@one", "--open")

    page = path.read_text(encoding="utf-8")
    assert (saved.status, saved.stdout) == (0, f"{path}\n")
    assert page.lower().startswith("<!doctype html>")
    assert "passes" in page
    assert printed.stdout == page
    assert shown.status == 0
    assert opened.read_text().strip() == (tmp_path / shown.stdout.strip()).as_uri()
    assert Path(shown.stdout.strip()).read_text(encoding="utf-8") == page


def test_two_runs_are_compared_figure_by_figure(passed: Answer, plugin: Plugin, tmp_path: Path) -> None:
    again = plugin("rerun", "passes", "--run-id", "two")
    repeated = plugin("rerun", "passes", "--run-id", "two")
    described = plugin("describe", "passes@one")
    plugin("results", "passes@one", "--out", str(tmp_path))

    page = tmp_path / "both.html"
    compared = plugin("compare", str(tmp_path / "passes_one_summary.json"), "passes", "-o", str(page))
    missing = plugin("compare", "passes@one", "passes@three")

    assert again.status == 0
    assert "passes runs again as run two" in again.stdout
    assert repeated.status == 0
    assert re.search("run two of loadtest.* had already ended at 2.*, so nothing is run now", repeated.stdout)
    assert "runs again" not in repeated.stdout
    assert described.status == 0
    assert "passes, run one, scenario custom" in described.stdout
    assert re.search(r"^Verdict     Passed$", described.stdout, re.MULTILINE)
    assert compared.status == 0
    assert compared.stdout.splitlines()[0].split() == ["passes_one", "passes@two", "difference", "within"]
    assert re.search(r"^records/s +[\d,]+ +[\d,]+ +[+-]\d+\.\d% +[+-].* to [+-].*%$", compared.stdout, re.MULTILINE)
    assert re.search(r"^p95 < 20s +.* ok +.* ok$", compared.stdout, re.MULTILINE)
    assert re.search(r"^p95 < baseline \+ 900% +.* - +.* ok$", compared.stdout, re.MULTILINE)
    assert "no run to compare with yet" in passed.stdout
    assert re.search(r"p95 < baseline \+ 900% .* of 1 earlier run \(between", again.stdout)
    assert page.read_text(encoding="utf-8").count("series line stroke-1") > 3
    assert (missing.status, "runs with results: passes@one, passes@two" in missing.stderr) == (1, True)


def test_a_running_test_is_watched_stopped_and_not_run_again_before_its_end(
    long_run: str, plugin: Plugin, target: Namespace
) -> None:
    until_running(target, long_run)
    watching = plugin.start("watch", long_run)
    unended = plugin("rerun", long_run)
    applied = plugin("run", "custom", "--name", long_run, "--url", URL, *LOAD)
    results = plugin("results", long_run)
    story = plugin("describe", long_run)

    stopped = plugin("stop", long_run)
    shown, _ = watching.communicate(timeout=END_SECONDS)
    stopped_again = plugin("stop", long_run)

    assert (unended.status, "has not ended" in unended.stderr, "hint: " in unended.stderr) == (64, True, True)
    assert (applied.status, "hint: it has not ended" in applied.stderr) == (3, True)
    assert (results.status, "has not ended" in results.stderr) == (1, True)
    assert "Phase       Running" in story.stdout
    assert (stopped.status, "is being stopped" in stopped.stdout) == (0, True)
    assert watching.returncode == 2
    assert "- the test was stopped by spec.stop" in shown
    assert "has ended already (Inconclusive)" in stopped_again.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interruption_leaves_the_test_running_and_says_how_to_stop_it(
    number: signal.Signals, long_run: str, plugin: Plugin, target: Namespace
) -> None:
    watching = plugin.start("watch", long_run)
    until_running(target, long_run)

    watching.send_signal(number)
    _, said = watching.communicate(timeout=30)

    assert watching.returncode == 2
    assert f"kubectl loadtest stop {long_run}" in said
    assert not load_test(target, long_run)["spec"].get("stop")


def test_an_interruption_stops_the_test_where_asked_and_its_end_is_awaited(
    long_run: str, plugin: Plugin, target: Namespace
) -> None:
    watching = plugin.start("watch", long_run, "--stop-on-interrupt")
    until_running(target, long_run)

    watching.send_signal(signal.SIGINT)
    shown, _ = watching.communicate(timeout=END_SECONDS)

    assert watching.returncode == 2
    assert "the test was stopped by spec.stop" in shown
    assert load_test(target, long_run)["spec"]["stop"] is True


def test_an_outage_of_the_api_server_is_told_and_outlived(plugin: Plugin, target: Namespace) -> None:
    address = urlsplit(target.cluster.server)
    assert address.hostname is not None
    assert address.port is not None
    with cut_proxy((address.hostname, address.port)) as proxy:
        through_proxy = plugin.with_flags(f"--server=https://127.0.0.1:{proxy.port}")
        load = ("--batch-size", "200", "--virtual-users", "2", "--duration", "12s")
        running = through_proxy.start("run", "custom", "--name", "outlives", "--url", URL, *load)
        until_running(target, "outlives")
        assert running.stderr is not None
        proxy.cut()
        told = next((line for line in running.stderr if "cannot be asked at the moment" in line), "")
        proxy.mend()
        shown, _ = running.communicate(timeout=END_SECONDS)

    assert "refused" in told
    assert (running.returncode, "Verdict     Passed" in shown) == (0, True), shown


def test_a_deleted_test_ends_the_watch_without_a_verdict(long_run: str, plugin: Plugin, target: Namespace) -> None:
    watching = plugin.start("watch", long_run)
    until_running(target, long_run)

    target.rest.delete(f"{PATH.format(namespace=target.name)}/{long_run}")
    _, said = watching.communicate(timeout=60)

    assert (watching.returncode, f"loadtest {long_run} was deleted" in said) == (2, True)


def test_a_target_is_proven_without_load(plugin: Plugin, target: Namespace) -> None:
    target.deploy("proven")
    target.deploy("deaf", FAULT="ignores-header", FAULT_REFUSES_EMPTY="1")
    target.until_available("proven", "deaf")

    proven = plugin("verify", "--url", URL.replace("clients:", "proven:"), "--name", "proof", "--batch-size", "300")
    refused = plugin("verify", "--url", URL.replace("clients:", "deaf:"), "--name", "no-proof")

    assert (proven.status, "Verdict     Passed" in proven.stdout) == (0, True)
    assert "nothing was loaded, as spec.verification.only asks; every pod proved at 1 address" in proven.stdout
    # A file without rows, the canary, a few rows, and a batch of full size.
    assert sorted(target.ledger("proven")) == [0, 1, 5, 300]
    status = load_test(target, "proof")["status"]
    assert (status["reason"], status["reasonClass"], status.get("start")) == ("OnlyVerified", "Verification", None)
    assert refused.status == 3
    assert "Nothing was loaded (Refused: LoadTestHeaderIgnored)." in refused.stdout
    assert "the canary that may be stored: client_id" in refused.stdout


def test_what_the_pods_wrote_is_printed(passed: Answer, plugin: Plugin) -> None:
    logs = plugin("logs", "passes")

    assert logs.status == 0
    assert "[pod/passes-" in logs.stdout


def test_logs_of_no_pods_are_told_as_such(plugin: Plugin, passed: Answer) -> None:
    nothing = plugin("logs", "passes", "--pod", "7")

    assert (nothing.status, "has no such pods" in nothing.stderr) == (1, True)


def test_the_doctor_finds_nothing_in_the_way_of_an_administrator(passed: Answer, plugin: Plugin) -> None:
    answer = plugin("doctor")

    assert answer.status == 0
    assert answer.stdout.endswith("\nnothing is in the way\n")
    assert "operator: loadtest-system/loadtest-operator" in answer.stdout
    assert "CRD: loadtests.x-load-test.dev/v1alpha1, with the fields that this plugin knows" in answer.stdout


def test_the_doctor_says_what_a_user_without_rights_needs(plugin: Plugin) -> None:
    stranger = plugin.with_flags("--as=stranger")

    answer, forbidden = stranger("doctor"), stranger("describe", "passes")

    assert answer.status == 1
    assert re.search(r"^PROBLEM +your rights: in namespace \S+ you may not create loadtests", answer.stdout, re.M)
    assert "bind the role `edit`" in answer.stdout
    assert "your rights do not show whether it runs" in answer.stdout
    assert (forbidden.status, "(Forbidden)" in forbidden.stderr) == (1, True)
    assert "hint: `kubectl loadtest doctor`" in forbidden.stderr


def test_the_role_edit_is_enough_for_a_run_and_its_results(plugin: Plugin, target: Namespace, tmp_path: Path) -> None:
    group = "rbac.authorization.k8s.io"
    # What the role `edit` is the sum of; the local cluster does without the controller that adds them up.
    for role in ("system:aggregate-to-view", "system:aggregate-to-edit", f"{OPERATOR}-view", f"{OPERATOR}-edit"):
        binding = {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role.replace(":", "-")},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "apiGroup": group, "name": "developer"}],
        }
        target.rest.apply(binding, target.name)
    developer = plugin.with_flags("--as=developer")

    examined, ran = developer("doctor"), developer("run", "custom", "--name", "theirs", "--url", URL, *LOAD)
    saved = developer("results", "theirs", "--out", str(tmp_path))

    assert (examined.status, "nothing is in the way" in examined.stdout) == (0, True)
    assert (ran.status, saved.status) == (0, 0)


def test_the_doctor_says_that_the_api_server_does_not_answer(plugin: Plugin) -> None:
    unreachable = plugin.with_flags("--server=https://127.0.0.1:1")

    answer = unreachable("doctor")

    assert (answer.status, "PROBLEM     API server: " in answer.stdout) == (1, True)


def test_kubectl_completes_commands_options_and_names_through_the_plugin(passed: Answer, plugin: Plugin) -> None:
    def complete(*words: str) -> list[str]:
        program = kubectl()
        environment = {
            **os.environ,
            "KUBECONFIG": str(plugin.kubeconfig),
            "PATH": os.pathsep.join([str(PROGRAMS), str(program.parent), os.environ["PATH"]]),
        }
        command = [str(program), "__complete", "loadtest", *words]
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return [line.partition("\t")[0] for line in answer.stdout.splitlines()]

    namespace = plugin.flags[1]

    assert complete("") == [*COMMANDS, ":4"]
    assert complete("re") == ["report", "results", "rerun", ":4"]
    assert "passes" in complete("-n", namespace, "describe", "")
    assert complete("describe", f"--namespace={namespace}", "pass") == ["passes", ":4"]
    assert namespace in complete("get", "-n", "")
    assert {"--url", "--batch-size", "--stop-on-interrupt"} <= set(complete("run", "--"))
    assert "heavy" in complete("run", "")


def test_bash_completes_the_plugin_under_its_own_name(passed: Answer, plugin: Plugin) -> None:
    script = plugin("completion", "bash").stdout
    environment = {**os.environ, "PATH": os.pathsep.join([str(PROGRAMS), os.environ["PATH"]])}
    ask = "COMP_WORDS=(kubectl-loadtest de); COMP_CWORD=1; _kubectl_loadtest; printf '%s\\n' \"${COMPREPLY[@]}\""

    answer = subprocess.run(
        ["bash", "-c", f"{script}\n{ask}"], env=environment, capture_output=True, text=True, check=True
    )

    assert answer.stdout.split() == ["describe"]


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (("get", "missing"), 1, '(NotFound): loadtests.x-load-test.dev "missing" not found'),
        (("describe", "missing"), 1, "hint: `kubectl loadtest get` lists the tests"),
        (("watch", "missing"), 2, "(NotFound)"),
        (("rerun", "missing"), 3, "(NotFound)"),
        (("get", "--context", "missing"), 1, 'context "missing" does not exist'),
        (("stopp", "x"), 64, "did you mean stop?"),
        (("stop",), 64, "the following arguments are required: NAME"),
    ],
)
def test_errors_are_kubectls_with_a_hint_and_a_status(
    arguments: tuple[str, ...], status: int, text: str, plugin: Plugin
) -> None:
    answer = plugin(*arguments)

    assert (answer.status, text in answer.stderr) == (status, True)
    assert "Traceback" not in answer.stderr
