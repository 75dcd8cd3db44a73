"""Which pod speaks for an index."""

from dataclasses import replace

from loadtest_model.measurement.snapshot import PodState
from loadtest_model.report.labels import RUN_LABEL, UID_LABEL
from loadtest_operator.facts.names import CONTAINER, INDEX_ANNOTATION
from loadtest_operator.facts.observation import ContainerEnd
from loadtest_operator.observe.children import keep_last_word
from loadtest_operator.observe.listening import choose_pods_by_index, gone_pod
from loadtest_operator.observe.memory import Memory
from support.operator_builders import a_killed_pod, a_pending_pod, a_pod


def test_a_replacement_that_answers_does_not_hide_what_the_pod_before_it_measured() -> None:
    loaded, replacement = a_killed_pod(0), replace(a_pod(0, PodState.WAITING), uid="another")

    assert choose_pods_by_index([loaded, replacement]) == choose_pods_by_index([replacement, loaded]) == (loaded,)


def test_a_replacement_of_a_pod_that_measured_nothing_takes_its_place() -> None:
    verified, replacement = a_killed_pod(0, PodState.VERIFIED), replace(a_pod(0, PodState.WAITING), uid="another")

    assert choose_pods_by_index([replacement, verified]) == (replacement,)


def test_pods_come_in_the_order_of_their_indexes_and_none_without_one() -> None:
    one, two = a_pod(1, PodState.WAITING), a_pending_pod(2)

    assert choose_pods_by_index([two, a_pending_pod(-1), one]) == (one, two)


def test_what_a_crashed_pod_said_is_kept_when_the_pod_itself_is_removed_at_once() -> None:
    memory = Memory(lambda: 0.0)
    ended = {"exitCode": 64, "reason": "Error", "message": "loadgen: invalid choice"}
    pod = {
        "metadata": {
            "name": "heavy-1-0-abcde",
            "uid": "pod-0",
            "labels": {UID_LABEL: "uid-1", RUN_LABEL: "1"},
            "annotations": {INDEX_ANNOTATION: "0"},
        },
        "status": {"phase": "Failed", "containerStatuses": [{"name": CONTAINER, "state": {"terminated": ended}}]},
    }

    keep_last_word(pod, memory)

    (gone,) = [gone_pod(uid, known, "1") for uid, known in memory.pods("uid-1", "1").items()]
    assert gone.container_end == ContainerEnd(exit_code=64, reason="Error", message="loadgen: invalid choice")
    assert not gone.has_last_snapshot
