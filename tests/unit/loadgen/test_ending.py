"""Exit codes, lingering and the last word."""

from pathlib import Path

import pytest

from loadgen.ending import End, exit_of, halted, linger_seconds, write_last_word
from loadtest_model.exits import PodExit
from loadtest_model.lastword import decode_last_word
from loadtest_model.plan import Deadlines
from loadtest_model.snapshot import SNAPSHOT_SCHEMA, HaltReason, PodState, Snapshot


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (End(PodState.DONE), PodExit.DONE),
        (End(PodState.REFUSED), PodExit.REFUSED),
        (halted(HaltReason.VIOLATION, ""), PodExit.VIOLATION),
        (halted(HaltReason.DEFECT, ""), PodExit.DEFECT),
        (halted(HaltReason.PEER, ""), PodExit.HALTED),
        (halted(HaltReason.OPERATOR, ""), PodExit.HALTED),
        (halted(HaltReason.BARRIER, ""), PodExit.HALTED),
        (halted(HaltReason.SIGNAL, ""), PodExit.HALTED),
    ],
)
def test_every_end_has_its_exit_code(end: End, code: PodExit) -> None:
    assert exit_of(end) is code


def test_a_pod_that_is_done_waits_for_the_slowest_and_the_others_do_not() -> None:
    deadlines = Deadlines(linger_seconds=60)

    assert linger_seconds(End(PodState.DONE), deadlines, 100.0) == 160.0
    assert linger_seconds(End(PodState.DONE), deadlines, -5.0) == 60.0
    assert linger_seconds(End(PodState.REFUSED), deadlines, 100.0) == 60.0
    assert linger_seconds(halted(HaltReason.PEER, ""), deadlines, 100.0) == 60.0


def test_the_last_word_can_be_read_back(tmp_path: Path) -> None:
    snapshot = Snapshot(
        schema=SNAPSHOT_SCHEMA, pod_index=2, pod_uid="u", sequence=9, state=PodState.DONE, plan_hash="h", final=True
    )
    path = tmp_path / "termination-log"

    write_last_word(path, snapshot)

    assert decode_last_word(path.read_text()) == snapshot


def test_a_last_word_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    snapshot = Snapshot(
        schema=SNAPSHOT_SCHEMA, pod_index=2, pod_uid="u", sequence=9, state=PodState.DONE, plan_hash="h"
    )

    write_last_word(tmp_path / "none" / "termination-log", snapshot)

    assert not (tmp_path / "none").exists()
