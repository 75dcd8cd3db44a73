"""Exit codes, lingering and the last word."""

import random
from pathlib import Path

import pytest

from loadgen.fleet.ending import End, exit_of, halted_end, linger_seconds, write_last_word
from loadtest_model.measurement.sketch import Sketch, sketch_of
from loadtest_model.measurement.snapshot import SNAPSHOT_SCHEMA, HaltReason, PodState, Snapshot
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Deadlines
from loadtest_model.protocol.exits import PodExit
from loadtest_model.protocol.last_word import decode_last_word


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (End(PodState.DONE), PodExit.DONE),
        (End(PodState.REFUSED), PodExit.REFUSED),
        (halted_end(HaltReason.VIOLATION, ""), PodExit.VIOLATION),
        (halted_end(HaltReason.DEFECT, ""), PodExit.DEFECT),
        (halted_end(HaltReason.PEER, ""), PodExit.HALTED),
        (halted_end(HaltReason.OPERATOR, ""), PodExit.HALTED),
        (halted_end(HaltReason.BARRIER, ""), PodExit.HALTED),
        (halted_end(HaltReason.SIGNAL, ""), PodExit.HALTED),
    ],
)
def test_every_end_has_its_exit_code(end: End, code: PodExit) -> None:
    assert exit_of(end) is code


def test_a_pod_that_is_done_waits_for_the_slowest_and_the_others_do_not() -> None:
    deadlines = Deadlines(linger_seconds=60)

    assert linger_seconds(End(PodState.DONE), deadlines, 100.0) == 160.0
    assert linger_seconds(End(PodState.DONE), deadlines, -5.0) == 60.0
    assert linger_seconds(End(PodState.REFUSED), deadlines, 100.0) == 60.0
    assert linger_seconds(halted_end(HaltReason.PEER, ""), deadlines, 100.0) == 60.0


def test_the_last_word_can_be_read_back(tmp_path: Path) -> None:
    snapshot = Snapshot(
        schema=SNAPSHOT_SCHEMA, pod_index=2, pod_uid="u", sequence=9, state=PodState.DONE, plan_hash="h", final=True
    )
    path = tmp_path / "termination-log"

    write_last_word(path, snapshot)

    assert decode_last_word(path.read_text()) == snapshot


def test_beside_a_meshs_containers_the_last_word_leaves_them_their_share(tmp_path: Path) -> None:
    chance = random.Random(7)

    def times() -> Sketch:
        return sketch_of([int(10 ** chance.uniform(6, 11)) for _ in range(300)])

    steps = tuple(StepAggregate(step=number, response=times(), lateness=times()) for number in range(4))
    snapshot = Snapshot(
        schema=SNAPSHOT_SCHEMA, pod_index=2, pod_uid="u", sequence=9, state=PodState.DONE, plan_hash="h", steps=steps
    )
    plain_path, mesh_path = tmp_path / "alone", tmp_path / "meshed"

    write_last_word(plain_path, snapshot)
    write_last_word(mesh_path, snapshot, mesh=True)

    assert 12_288 // 6 < len(plain_path.read_text()) <= 4_096
    assert len(mesh_path.read_text()) <= 12_288 // 6
    word = decode_last_word(mesh_path.read_text())
    assert word is not None
    assert [step.response.count for step in word.steps] == [300] * 4


def test_a_last_word_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    snapshot = Snapshot(
        schema=SNAPSHOT_SCHEMA, pod_index=2, pod_uid="u", sequence=9, state=PodState.DONE, plan_hash="h"
    )

    write_last_word(tmp_path / "none" / "termination-log", snapshot)

    assert not (tmp_path / "none").exists()
