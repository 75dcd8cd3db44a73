"""The list of reasons is whole, and every text in it helps."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from enum import EnumType
from pathlib import Path

import pytest

import loadtest_model
import loadtest_operator
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.proof import Shown
from loadtest_model.measurement.snapshot import ProofLevel, Refusal
from loadtest_model.report.status import Phase
from loadtest_operator.decide.reasons import GROUPS, REASONS, with_to_do

PACKAGES = [Path(package.__file__).parent for package in (loadtest_operator, loadtest_model)]
# Which argument of what is a reason.
PLACES = {
    "Cause": 0,
    "Gap": 0,
    "Wait": 0,
    "PlanError": 0,
    "Turn": 0,
    "SecretAccess": 0,
    "Mark": 1,
    "Finding": 1,
    "Announcement": 1,
    "ended_without_run": 2,
    "Endpoints": "problem",
    "WorkloadLook": "problem",
}
CAMEL_CASE = re.compile(r"[A-Z][A-Za-z]+")


def reasons_in(source: str) -> Iterator[str]:
    """The reasons that stand in calls as texts, and those in tables of reasons and patterns."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            place = PLACES.get(name)
            given = [node.args[place]] if isinstance(place, int) and len(node.args) > place else []
            # How a container ended is Kubernetes' reason, not ours.
            named = () if name == "Terminated" else (place, "reason")
            given += [keyword.value for keyword in node.keywords if keyword.arg in named]
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            named = [target.id for target in targets if isinstance(target, ast.Name)]
            is_reason = any(name in ("STARTED", "NOT_STARTED", "FINISHED", "ABORTED", "TurnReason") for name in named)
            given = [node.value] if is_reason or any(name.startswith("_OF_") for name in named) else []
        else:
            continue
        for value in given:
            for part in ast.walk(value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and CAMEL_CASE.fullmatch(part.value):
                    yield part.value


def test_every_reason_that_the_code_names_is_in_the_list() -> None:
    files = [path for package in PACKAGES for path in package.rglob("*.py") if path.name != "reasons.py"]

    found = {reason: path.name for path in files for reason in reasons_in(path.read_text())}

    assert len(found) > 50
    assert {reason: where for reason, where in found.items() if reason not in REASONS} == {}


@pytest.mark.parametrize("kind", [Refusal, Verdict, Phase, ProofLevel, Shown])
def test_every_member_that_becomes_a_reason_is_in_the_list(kind: EnumType) -> None:
    never = {ProofLevel.NONE, Shown.NOTHING_STORED, Phase.COMPLETED}

    assert [str(member) for member in kind if member not in never and str(member) not in REASONS] == []


def test_no_reason_is_told_twice_or_in_two_ways() -> None:
    counted = Counter(reason for group in GROUPS.values() for reason in group)

    assert [reason for reason, times in counted.items() if times > 1] == []


def test_every_reason_is_one_that_the_schema_takes_and_every_text_one_sentence() -> None:
    for reason, told in REASONS.items():
        assert CAMEL_CASE.fullmatch(reason)
        assert told.meaning
        assert not told.meaning.endswith(".")
        assert not told.to_do.endswith(".")


def test_what_to_do_follows_what_was_seen() -> None:
    assert with_to_do("NoRun", "no load was made.") == "no load was made."
    assert with_to_do("Unschedulable", "pod 0 waits.").startswith("pod 0 waits; lower spec.parallelism")
