"""A spec with fields of a newer version, as an operator meets it in the middle of an upgrade."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.report.status import ConditionType, Phase
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import CreateJob
from loadtest_operator.facts.newer_fields import split_newer_fields
from support.builders import URL
from support.operator_builders import NOW, POLICY, a_new_observation, a_pod, an_observation, next_observation

SPEC: dict[str, Any] = {
    "target": {"url": URL, "headers": {"X-Team": "a"}, "auth": {"secretKeyRef": {"name": "token", "key": "token"}}},
    "load": {"stages": [{"duration": "10s", "virtualUsers": 2}]},
    "thresholds": ["p95 < 20s"],
}


def test_a_spec_of_this_version_is_left_as_it_is() -> None:
    assert split_newer_fields(SPEC) == (SPEC, ())


def test_what_this_version_does_not_know_is_named_and_left_out() -> None:
    newer = {
        **SPEC,
        "speed": "high",
        "target": {**SPEC["target"], "protocol": {"name": "h3"}},
        "load": {"stages": [{"duration": "10s", "virtualUsers": 2, "curve": "log"}]},
    }

    assert split_newer_fields(newer) == (SPEC, ("spec.speed", "spec.target.protocol", "spec.load.stages[0].curve"))


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_nothing_that_is_no_spec_is_made_one(anything: Any) -> None:
    known, _ = split_newer_fields(anything)

    assert isinstance(known, dict) == isinstance(anything, dict)


def test_a_run_that_has_begun_goes_on_under_an_operator_that_does_not_know_a_new_field() -> None:
    observation = an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True)
    newer = replace(observation, test=replace(observation.test, newer_fields=("spec.speed",)))

    assert decide(newer, POLICY) == decide(observation, POLICY)


def test_a_test_with_a_new_field_waits_for_the_operator_that_knows_it() -> None:
    fresh = a_new_observation()
    observation = replace(fresh, test=replace(fresh.test, newer_fields=("spec.speed",)))

    decision = decide(observation, POLICY)

    assert decision.status is not None
    verified = decision.status.condition(ConditionType.VERIFIED)
    assert verified is not None
    assert (decision.status.phase, verified.reason) == (Phase.QUEUED, "SpecTooNew")
    assert "does not know spec.speed" in verified.message
    assert not any(isinstance(action, CreateJob) for action in decision.actions)
    late = decide(next_observation(observation, decision, now=NOW + timedelta(seconds=POLICY.waiting_seconds)), POLICY)
    assert late.status is not None
    assert (late.status.phase, late.status.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    assert decide(fresh, POLICY).actions
