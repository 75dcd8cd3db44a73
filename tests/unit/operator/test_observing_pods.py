"""Which pod speaks for an index."""

from dataclasses import replace

from loadtest_model.snapshot import PodState
from loadtest_operator.observe import one_for_each_index
from operator_builders import a_killed_pod, a_pending_pod, a_pod


def test_a_replacement_that_answers_does_not_hide_what_the_pod_before_it_measured() -> None:
    loaded, replacement = a_killed_pod(0), replace(a_pod(0, PodState.WAITING), uid="another")

    assert one_for_each_index([loaded, replacement]) == one_for_each_index([replacement, loaded]) == (loaded,)


def test_a_replacement_of_a_pod_that_measured_nothing_takes_its_place() -> None:
    verified, replacement = a_killed_pod(0, PodState.VERIFIED), replace(a_pod(0, PodState.WAITING), uid="another")

    assert one_for_each_index([replacement, verified]) == (replacement,)


def test_pods_come_in_the_order_of_their_indexes_and_none_without_one() -> None:
    one, two = a_pod(1, PodState.WAITING), a_pending_pod(2)

    assert one_for_each_index([two, a_pending_pod(-1), one]) == (one, two)
