"""Each step of a run has a verdict of its own, and the run is judged by the worst."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Gap, Verdict
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import compile_plan
from loadtest_model.reasons import Reason
from support.builders import IDENTITY, a_spec

PLAN = compile_plan(a_spec(scenario="all"), IDENTITY)
SECOND = 1_000_000_000
RANK = {Verdict.PASSED: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAILED: 2}
# The last step, stress, asks for a million records.
UPLOADS = (200, 200, 200, 120)


def a_step(number: int, *, seconds: float = 1.0, rejected: int = 0, is_finished: bool = True) -> StepAggregate:
    accepted, rows = UPLOADS[number], PLAN.steps[number].batch_size
    counts = Counts(
        due=accepted + rejected,
        sent=accepted + rejected,
        accepted=accepted,
        rejected=rejected,
        records_sent=(accepted + rejected) * rows,
        records_confirmed=accepted * rows,
    )
    times = sketch_of([int(seconds * SECOND)] * accepted)
    return StepAggregate(
        total=counts, judged=counts, response=times, service=times, finished_pods=PLAN.parallelism if is_finished else 0
    )


def verdicts_of(*steps: StepAggregate, gaps: tuple[Gap, ...] = ()) -> tuple[Verdict, list[Verdict]]:
    judgement = judge(Facts(plan=PLAN, aggregate=Aggregate(steps=steps), gaps=gaps))
    return judgement.verdict, [step.verdict for step in judgement.steps]


SOUND = tuple(a_step(number) for number in range(4))
P, F, I = Verdict.PASSED, Verdict.FAILED, Verdict.INCONCLUSIVE  # noqa: E741 - the verdicts by their initials


def test_four_sound_steps_pass_and_so_does_the_run() -> None:
    assert verdicts_of(*SOUND) == (P, [P, P, P, P])


@pytest.mark.parametrize("number", range(4))
def test_one_slow_step_fails_alone_and_with_it_the_run(number: int) -> None:
    steps = list(SOUND)
    steps[number] = a_step(number, seconds=25.0)

    assert verdicts_of(*steps) == (F, [F if step == number else P for step in range(4)])


def test_a_pod_lost_in_the_third_step_leaves_the_first_two_judged() -> None:
    has_gap = Gap(Reason.PodLost, "lost pod 1")

    verdicts = verdicts_of(*SOUND[:2], a_step(2, is_finished=False), gaps=(has_gap,))

    assert verdicts == (I, [P, P, I, I])


def test_a_violation_fails_the_step_that_it_was_counted_in() -> None:
    broken = structs.replace(SOUND[1].total, violation=1, accepted=SOUND[1].total.accepted - 1)
    steps = (SOUND[0], structs.replace(SOUND[1], total=broken, judged=broken), *SOUND[2:])

    assert verdicts_of(*steps) == (F, [P, F, P, P])


@given(
    st.lists(
        st.tuples(st.sampled_from([1.0, 15.0, 25.0, 40.0]), st.sampled_from([0, 1, 5, 40]), st.booleans()),
        min_size=0,
        max_size=4,
    ),
    st.booleans(),
)
def test_no_step_is_judged_worse_than_the_run(step_values: list[tuple[float, int, bool]], has_gap: bool) -> None:
    steps = tuple(
        a_step(number, seconds=seconds, rejected=rejected, is_finished=is_finished)
        for number, (seconds, rejected, is_finished) in enumerate(step_values)
    )
    gaps = (Gap(Reason.PodLost, "lost"),) if has_gap else ()

    verdict, step_verdicts = verdicts_of(*steps, gaps=gaps)

    assert len(step_verdicts) == 4
    assert RANK[verdict] >= max(RANK[step_verdict] for step_verdict in step_verdicts)
