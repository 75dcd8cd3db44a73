"""The gate of a pipeline has the exit statuses that the model gives, whatever class a test ended with."""

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest

from loadtest_model.judgement.verdict import Verdict, exit_status, verdict_text
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.reason_groups import ReasonClass

GATE = Path(__file__).parents[3] / "examples" / "pipeline" / "gate.sh"
# It answers as kubectl does: `patch --local` prints the manifest, and templates print what the status holds.
KUBECTL = """#!/bin/sh
case "$*" in
  *startedAt*) printf %s "$KNOWN" ;;
  *'={{.spec.runId}}'*) [ ! -e "$0.applied" ] || printf %s "$RUN_ID" ;;
  *reasonClass*) printf %s "$ENDED" ;;
  *'or .verdict "no verdict"'*) echo "$*" ;;
  "get "*" -o yaml"*) echo "kind: LoadTest" ;;
  *creationTimestamp*) printf '%s\\n' "$PODS" ;;
  *image}*) printf %s clients:v1 ;;
  "patch --local"*) [ "$MANIFEST" = readable ] && echo "kind: LoadTest" ;;
  apply*) [ "$APPLY" = refused ] || touch "$0.applied"; [ "$APPLY" = taken ] ;;
  wait*) [ "$WAIT" != "too long" ] ;;
  patch*'"stop":true'*)
    [ "$STOP" != lost ] || [ -e "$0.stop-lost" ] || { touch "$0.stop-lost"; exit 1; }
    touch "$0.stopped"
    ;;
  *) exit 0 ;;
esac
"""


def ending(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kubectl = folder / "kubectl"
    kubectl.write_text(KUBECTL, encoding="utf-8")
    kubectl.chmod(0o755)
    answers = {"MANIFEST": "readable", "APPLY": "taken", "ENDED": "Passed/Load", "KNOWN": "", "PODS": ""}
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **answers, **settings}
    return subprocess.run([str(GATE), *arguments], env=environment, capture_output=True, text=True, check=False)


def gate(folder: Path, *arguments: str, **settings: str) -> int:
    return ending(folder, *arguments, **settings).returncode


ENDS = [(Verdict.PASSED, ReasonClass.LOAD), *itertools.product((Verdict.FAILED, Verdict.INCONCLUSIVE), ReasonClass)]


@pytest.mark.parametrize(("verdict", "reason_class"), ENDS)
def test_the_gate_exits_as_the_model_says(verdict: Verdict, reason_class: ReasonClass, tmp_path: Path) -> None:
    assert gate(tmp_path, "test.yaml", ENDED=f"{verdict}/{reason_class}") == exit_status(verdict, reason_class)


@pytest.mark.parametrize(("verdict", "status"), [("Passed", 0), ("Failed", 1), ("Inconclusive", 2), ("", 2)])
def test_an_operator_that_gives_no_class_is_judged_by_its_verdict(verdict: str, status: int, tmp_path: Path) -> None:
    assert gate(tmp_path, "test.yaml", ENDED=f"{verdict}/") == status


def test_what_cannot_be_meant_is_wrong_usage(tmp_path: Path) -> None:
    assert gate(tmp_path, "test.yaml", "--out") == 64
    assert gate(tmp_path, "--outt", "results", "test.yaml") == 64
    assert gate(tmp_path, "--image", "clients:v1", "test.yaml") == 64


def test_help_names_every_option_and_every_exit_status() -> None:
    process = subprocess.run([str(GATE), "--help"], capture_output=True, text=True, check=True)
    options = set(re.findall(r"^    (--[a-z-]+(?: \| --[a-z-]+)+)\)", GATE.read_text(encoding="utf-8"), re.MULTILINE))
    assert options
    for option in " | ".join(options).split(" | "):
        assert re.search(rf"^  {option} [A-Z]", process.stdout, re.MULTILINE), option
    for status in ("0 Passed", "1 Failed", "2 Inconclusive", "3 nothing was loaded", "64 wrong usage"):
        assert status in process.stdout


def test_results_that_cannot_be_saved_leave_the_verdict_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert gate(tmp_path, "--out", str(tmp_path / "file"), "test.yaml", ENDED="Passed/Load") == 0
    assert gate(tmp_path, "--out", str(tmp_path / "file"), "test.yaml", ENDED="Failed/Load") == 1


def test_wrong_usage_is_64_and_a_test_that_the_api_server_refuses_never_loaded(tmp_path: Path) -> None:
    assert gate(tmp_path) == 64
    assert gate(tmp_path, "test.yaml", "5m", "more") == 64
    assert gate(tmp_path, "test.yaml", MANIFEST="missing") == 64
    assert gate(tmp_path, "test.yaml", APPLY="refused") == 3


def test_a_run_that_was_applied_is_waited_for_though_the_answer_was_lost(tmp_path: Path) -> None:
    assert gate(tmp_path, "test.yaml", APPLY="without an answer", RUN_ID="two", ENDED="Failed/Load") == 1


def test_a_stop_that_the_api_server_does_not_hear_is_given_again(tmp_path: Path) -> None:
    assert gate(tmp_path, "test.yaml", WAIT="too long", STOP="lost", ENDED="Inconclusive/Load") == 2
    assert (tmp_path / "kubectl.stopped").exists()


@pytest.mark.parametrize(("verdict", "reason_class"), ENDS)
def test_a_verdict_says_where_nothing_was_loaded(verdict: Verdict, reason_class: ReasonClass, tmp_path: Path) -> None:
    process = ending(tmp_path, "test.yaml", ENDED=f"{verdict}/{reason_class}")

    is_said = process.returncode == ExitStatus.NEVER_LOADED
    assert is_said == ("never loaded" in verdict_text(verdict, reason_class))
    assert ('{{or .verdict "no verdict"}} (never loaded):' in process.stdout.replace("{{end}}", "")) == is_said


ENDED_AT_NOON = "ended 2026-03-01T11:58:00Z 2026-03-01T12:00:00Z"
DEPLOYED = ("--deployed", "deployment/clients")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_run_id_that_had_the_last_run_is_answered_with_its_verdict_and_that_is_said(
    verdict: Verdict, tmp_path: Path
) -> None:
    process = ending(
        tmp_path,
        *DEPLOYED,
        "test.yaml",
        ENDED=f"{verdict}/Load",
        KNOWN=ENDED_AT_NOON,
        ROLLED_OUT="2026-03-01T11:57:00Z",
    )

    assert process.returncode == exit_status(verdict, ReasonClass.LOAD)
    assert "had already ended at 2026-03-01T12:00:00Z; nothing was run now" in process.stderr


def test_a_run_of_which_every_pod_of_the_target_is_gone_does_not_answer_for_what_is_deployed(tmp_path: Path) -> None:
    process = ending(tmp_path, *DEPLOYED, "test.yaml", KNOWN=ENDED_AT_NOON, PODS="2026-03-01T11:58:01Z")

    assert process.returncode == ExitStatus.NEVER_LOADED
    assert "give a new run id" in process.stderr
