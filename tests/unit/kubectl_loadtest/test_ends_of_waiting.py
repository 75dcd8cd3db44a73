"""What ends `kubectl loadtest run` at an awkward moment, with a kubectl that is a script."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from loadtest_model.report.labels import RUN_LABEL, TEST_LABEL, UID_LABEL

# Each call is written down first. A watch goes on until the test has ended, as it has once it was stopped.
KUBECTL = """#!/bin/sh
cd '{folder}'
echo "$1 $2" >>calls
case "$1 $2" in
  "apply "*) eval "$AT_APPLY"; cat running.json ;;
  "get configmap") eval "$AT_RESULTS"; cat results.json ;;
  "get "*)
    case "$*" in *--watch*) touch watched ;; *) exec cat running.json ;; esac
    if [ -e stopped ] || [ "$HAS_ENDED" = yes ]; then
      printf '{{"type": "ADDED", "object": %s}}\\n' "$(cat ended.json)"
    else
      printf '{{"type": "ADDED", "object": %s}}\\n' "$(cat running.json)"
    fi
    exec sleep 60
    ;;
  "patch "*)
    if [ ! -e refused ] && [ "$REFUSES" = once ]; then
      touch refused
      echo "Unable to connect to the server: EOF" >&2
      exit 1
    fi
    touch stopped
    cat running.json
    ;;
esac
"""
COMPLETED = {"type": "Completed", "status": "True", "observedGeneration": 1}


def a_test(**status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "heavy", "namespace": "shop", "uid": "uid-1", "generation": 1},
        "spec": {"runId": "7"},
        "status": {"runId": "7", "observedGeneration": 1, **status},
    }


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    folder = tmp_path / "cluster"
    folder.mkdir()
    ended = {"verdict": "Inconclusive", "reasonClass": "Load", "results": {"configMap": "heavy-1-results"}}
    labels = {UID_LABEL: "uid-1", RUN_LABEL: "7", TEST_LABEL: "heavy"}
    files = {"summary.json": "{}", "time_series.csv": "second\n"}
    documents = {
        "running": a_test(phase="Running"),
        "ended": a_test(phase="Completed", conditions=[COMPLETED], **ended),
        "results": {"metadata": {"name": "heavy-1-results", "labels": labels}, "data": files},
    }
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    program = folder / "kubectl"
    program.write_text(KUBECTL.format(folder=folder), encoding="utf-8")
    program.chmod(0o755)
    return program


def started_run(kubectl: Path, *options: str, **settings: str) -> "subprocess.Popen[str]":
    options = ("run", "custom", "--url", "http://clients.test/", "--batch-size", "1", "--duration", "1s", *options)
    return subprocess.Popen(
        [sys.executable, "-m", "kubectl_loadtest.cli.main", *options, "--run-id", "7"],
        cwd=kubectl.parent.parent,
        env={**os.environ, "KUBECTL": str(kubectl), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    try:
        text, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    print(text)
    return process.returncode, text


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.02)


def test_a_stop_that_the_api_server_does_not_hear_is_given_again(kubectl: Path) -> None:
    process = started_run(kubectl, "--stop-on-interrupt", REFUSES="once")
    wait_for(kubectl.parent / "watched")
    process.send_signal(signal.SIGTERM)
    status, text = ended(process)

    assert (kubectl.parent / "stopped").exists()
    assert "stopping heavy" in text
    assert status == 2


def test_a_signal_that_comes_while_the_test_is_applied_stops_it_if_it_is_to(kubectl: Path) -> None:
    status, _ = ended(started_run(kubectl, "--stop-on-interrupt", AT_APPLY="kill -TERM $PPID"))

    assert (kubectl.parent / "stopped").exists()
    assert status == 2


@pytest.mark.parametrize("end", ["echo 'error: Patch: unexpected EOF' >&2; exit 1", "kill -INT $$"])
def test_a_run_that_has_begun_is_waited_for_though_the_answer_was_lost(kubectl: Path, end: str) -> None:
    status, text = ended(started_run(kubectl, AT_APPLY=f"touch stopped; {end}"))

    assert status == 2
    assert "Inconclusive" in text


def test_a_run_that_may_have_begun_is_not_said_to_have_loaded_nothing(kubectl: Path) -> None:
    status, text = ended(
        started_run(kubectl, AT_APPLY="mv running.json gone; echo 'error: unexpected EOF' >&2; exit 1")
    )

    assert status == 2
    assert "run 7 of custom may have begun" in text


def test_a_test_that_the_api_server_refuses_never_loaded(kubectl: Path) -> None:
    refusal = "Error from server (Forbidden): loadtests is forbidden"
    status, text = ended(started_run(kubectl, AT_APPLY=f"echo '{refusal}' >&2; exit 1"))

    assert status == 3
    assert refusal in text


def test_a_signal_while_the_results_are_saved_takes_neither_them_nor_the_verdict(kubectl: Path) -> None:
    status, _ = ended(started_run(kubectl, "--out", "out", HAS_ENDED="yes", AT_RESULTS="kill -TERM $PPID"))

    assert sorted(path.name for path in (kubectl.parent.parent / "out").iterdir()) == [
        "heavy_7_summary.json",
        "heavy_7_time_series.csv",
    ]
    assert status == 2


def test_a_run_whose_reader_has_gone_neither_passes_nor_fails(kubectl: Path) -> None:
    process = started_run(kubectl, "--stop-on-interrupt")
    wait_for(kubectl.parent / "watched")
    assert process.stdout is not None
    # As `kubectl loadtest run 2>&1 | tee log` in a terminal.
    process.stdout.close()
    process.send_signal(signal.SIGINT)

    assert process.wait(60) == 2
    assert (kubectl.parent / "stopped").exists()


def test_a_test_that_is_left_to_itself_does_not_fail_for_want_of_a_reader(kubectl: Path) -> None:
    process = started_run(kubectl)
    wait_for(kubectl.parent / "watched")
    assert process.stdout is not None
    process.stdout.close()
    process.send_signal(signal.SIGINT)

    assert process.wait(60) == 2
    assert not (kubectl.parent / "stopped").exists()
