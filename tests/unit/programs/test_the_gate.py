"""The gate of a pipeline has the exit statuses that the model gives, whatever class a test ended with."""

import itertools
import os
import subprocess
from pathlib import Path

import pytest

from loadtest_model.judgement.verdict import Verdict, exit_status
from loadtest_model.reason_groups import ReasonClass

GATE = Path(__file__).parents[3] / "examples" / "pipeline" / "gate.sh"
# It answers as kubectl does: `patch --local` prints the manifest, and `get` prints what the status holds.
KUBECTL = """#!/bin/sh
case "$*" in
  "patch --local"*) [ "$MANIFEST" = readable ] && echo "kind: LoadTest" ;;
  apply*) [ "$APPLY" = taken ] ;;
  *reasonClass*) printf %s "$ENDED" ;;
  *) exit 0 ;;
esac
"""


def gate(folder: Path, *arguments: str, **settings: str) -> int:
    kubectl = folder / "kubectl"
    kubectl.write_text(KUBECTL, encoding="utf-8")
    kubectl.chmod(0o755)
    answers = {"MANIFEST": "readable", "APPLY": "taken", "ENDED": "Passed/Load", **settings}
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", **answers}
    return subprocess.run([str(GATE), *arguments], env=environment, capture_output=True, check=False).returncode


ENDS = [(Verdict.PASSED, ReasonClass.LOAD), *itertools.product((Verdict.FAILED, Verdict.INCONCLUSIVE), ReasonClass)]


@pytest.mark.parametrize(("verdict", "reason_class"), ENDS)
def test_the_gate_exits_as_the_model_says(verdict: Verdict, reason_class: ReasonClass, tmp_path: Path) -> None:
    assert gate(tmp_path, "test.yaml", ENDED=f"{verdict}/{reason_class}") == exit_status(verdict, reason_class)


@pytest.mark.parametrize(("verdict", "status"), [("Passed", 0), ("Failed", 1), ("Inconclusive", 2), ("", 2)])
def test_an_operator_that_gives_no_class_is_judged_by_its_verdict(verdict: str, status: int, tmp_path: Path) -> None:
    assert gate(tmp_path, "test.yaml", ENDED=f"{verdict}/") == status


def test_wrong_usage_is_64_and_a_test_that_the_api_server_refuses_never_loaded(tmp_path: Path) -> None:
    assert gate(tmp_path) == 64
    assert gate(tmp_path, "test.yaml", "5m", "more") == 64
    assert gate(tmp_path, "test.yaml", MANIFEST="missing") == 64
    assert gate(tmp_path, "test.yaml", APPLY="refused") == 3
