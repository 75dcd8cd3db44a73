"""The signs of health that the target's workload shows, and what they come to in verdict and summary."""

from typing import Any

import pytest
from msgspec import structs

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.judging import judge, run_health
from loadtest_model.judgement.verdict import Facts, Judgement, Verdict
from loadtest_model.judgement.workload import TargetWatch, WorkloadTally, points_text, target_health
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import TargetMemory
from loadtest_model.report.summary import TargetUse, summarize
from support.builders import a_plan, a_run, a_step

PLAN = a_plan()


def a_watch(**fields: Any) -> TargetWatch:
    return TargetWatch(workload="Deployment/clients", pods=2, ready=2, **fields)


def judged(watch: TargetWatch | None, **step: Any) -> Judgement:
    return judge(Facts(plan=PLAN, aggregate=a_run(a_step(**step)), target=watch))


def test_a_workload_that_fared_well_shows_no_sign() -> None:
    assert target_health(a_watch()) == target_health(None)
    assert judged(a_watch()).verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("fields", "evidence"),
    [
        ({"restarts": 1, "last_end": "django in c-1, exit code 1"}, "ended once; the last: django in c-1, exit code 1"),
        ({"restarts": 3, "oom_kills": 2}, "ended 3 times, 2 of them out of memory (OOMKilled)"),
        ({"replaced_pods": 1}, "1 pod was replaced in Deployment/clients without a rollout"),
    ],
)
def test_a_crash_is_critical_and_fails_the_test(fields: dict[str, Any], evidence: str) -> None:
    judgement = judged(a_watch(**fields))

    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, "HealthCritical")
    assert evidence in judgement.reasons[0]


@pytest.mark.parametrize(
    ("fields", "evidence"),
    [
        ({"not_ready_seconds": 6.0}, "were ready than at the start for 6 s"),
        ({"rolled_out": True}, "was rolled out while the load ran"),
        ({"new_images": ("clients@sha256:2",)}, "other images ran in Deployment/clients"),
        ({"problem": "there is no Deployment/clients"}, "was not seen to the end: there is no Deployment/clients"),
    ],
)
def test_a_warning_is_told_and_changes_no_verdict(fields: dict[str, Any], evidence: str) -> None:
    judgement = judged(a_watch(**fields))

    assert judgement.verdict is Verdict.PASSED
    assert judgement.health.level is HealthLevel.WARNING
    assert evidence in judgement.health.evidence[0]


def test_a_moment_in_which_a_pod_was_not_ready_is_no_sign() -> None:
    assert target_health(a_watch(not_ready_seconds=2.0)).level is HealthLevel.GOOD


def test_evidence_has_no_more_than_its_length() -> None:
    (evidence,) = target_health(a_watch(new_images=("x" * 200,) * 3)).evidence

    assert len(evidence) == 256
    assert evidence.endswith("...")


def test_that_it_crashed_is_told_before_what_followed_from_it() -> None:
    aggregate = a_run(a_step(accepted=0, rejected=10))

    assert "crashed" in run_health(PLAN, aggregate, a_watch(restarts=1)).evidence[0]


def test_a_target_whose_addresses_vanished_is_judged_where_it_is_known_to_have_crashed() -> None:
    vanished = {"rejected": 1, "errors": {ErrorKind.NO_ADDRESS: 1}}

    assert judged(None, **vanished).reason == "TargetVanished"
    rolled_out = judged(a_watch(rolled_out=True), **vanished)
    assert rolled_out.reason == "TargetVanished"
    assert "Deployment/clients was rolled out, and none of its pods served meanwhile" in rolled_out.reasons[0]
    assert judged(a_watch(restarts=1), **vanished).verdict is Verdict.FAILED


def test_the_summary_says_what_was_seen_of_the_workload() -> None:
    run = structs.replace(a_run(), target_memory=TargetMemory(points=((2.0, 50), (4.0, 70))))
    watch = a_watch(restarts=2, oom_kills=1, memory_bytes=100, cpu_cores=0.5, images=("a",), new_images=("b",))
    judgement = judge(Facts(plan=PLAN, aggregate=run, target=watch))

    assert summarize(PLAN, run, judgement, None, None, watch).target == TargetUse(
        memory_bytes=100,
        cpu_cores=0.5,
        restarts=2,
        oom_kills=1,
        replaced_pods=0,
        rolled_out=False,
        not_ready_seconds=0.0,
        images=("a", "b"),
    )
    assert summarize(PLAN, run, judgement, None, None).target == TargetUse(memory_bytes=70)
    unmeasured = structs.replace(watch, memory_bytes=None)
    assert summarize(PLAN, run, judgement, None, None, unmeasured).target.memory_bytes == 70


def test_memory_points_are_seconds_and_bytes() -> None:
    watch = a_watch(tally=WorkloadTally(memory=points_text(((5.0, 100), (10.2, 110)))))

    assert watch.memory_points == ((5.0, 100), (10.0, 110))
    assert a_watch().memory_points == ()
