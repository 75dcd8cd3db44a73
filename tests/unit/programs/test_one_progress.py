"""A laptop's screen and a test's status show the same figures of the same measurements."""

import io
from dataclasses import replace

from msgspec import structs

from loadgen.screen.drawing import LineScreen
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.quantities import seconds_text
from loadtest_model.report.progress import progress_of
from loadtest_operator.decide import decide
from support.builders import a_step, counts
from support.operator_builders import POLICY, a_fleet_plan, a_fleet_spec, a_job, a_pod, a_snapshot, an_observation

SPEC = a_fleet_spec(scenario="all", load={}, parallelism=1)


def test_screen_and_status_show_the_same_figures_of_the_same_measurements() -> None:
    tail = tuple(
        Second(second=number, counts=counts(accepted=1), virtual_users=1, records_answered=number)
        for number in range(31)
    )
    steps = (
        structs.replace(a_step(accepted=40, rejected=60, seconds_each=9.0), step=0, load_seconds=120.0),
        structs.replace(
            a_step(accepted=88, unknown=7, rejected=3, dropped=2, cancelled=4, finished_pods=0),
            step=1,
            load_seconds=30.0,
            in_flight=2,
        ),
    )
    pod = a_pod(0, snapshot=a_snapshot(0, PodState.RUNNING, steps=steps), is_reachable=True)
    observation = an_observation(pod, spec=SPEC, begun=True)
    observation = replace(observation, job=a_job(plan=a_fleet_plan(SPEC)), series=((), tail))

    decision = decide(observation, POLICY)
    assert decision.status is not None
    assert decision.plan is not None
    assert decision.aggregate is not None
    status, stream = decision.status.progress, io.StringIO()
    LineScreen(stream).show(progress_of(decision.plan, decision.aggregate))
    screen_text = stream.getvalue()

    assert status is not None
    assert (status.errors, status.error_rate) == (8, round(8 / 96, 4))
    assert screen_text.split("  ")[-5:] == [
        "in flight 2",
        f"records {status.records_confirmed:,}",
        f"records/s {status.records_per_second:,.0f}",
        f"p95 {seconds_text(status.p95_seconds)}",
        f"errors {status.errors:,} ({status.error_rate:.2%})\n",
    ]
    assert f" {status.percent:.0f}%  {status.step} (2 of 4)" in screen_text
    assert f"VUs {status.virtual_users}  " in screen_text
