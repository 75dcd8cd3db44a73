"""Tests that take their columns from a ConfigMap."""

import pytest

from loadtest_model.plan.variable import PLAN_VARIABLE, decode_plan
from loadtest_model.reasons import Reason
from loadtest_model.report.status import Phase
from loadtest_model.spec.records_template import read_template
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import CreateJob
from loadtest_operator.facts.templates import ObservedTemplate
from support.operator_builders import POLICY, a_fleet_spec, a_new_observation, an_observation

SPEC = a_fleet_spec(records={"template": {"name": "products"}})
TEMPLATE = read_template(
    'records: {fields: {only: [], add: [{name: sku, kind: pattern, pattern: "###-??", unique: true}]}}'
)


def test_the_pods_are_given_the_columns_of_the_template() -> None:
    decision = decide(a_new_observation(SPEC, records_template=ObservedTemplate(TEMPLATE)), POLICY)

    (creation,) = decision.actions
    assert isinstance(creation, CreateJob)
    (container,) = creation.manifest["spec"]["template"]["spec"]["containers"]
    (text,) = [each["value"] for each in container["env"] if each["name"] == PLAN_VARIABLE]
    assert [column.name for column in decode_plan(text).records.columns] == ["sku"]


@pytest.mark.parametrize("problem", [Reason.ConfigMapMissing, Reason.ConfigMapKeyMissing])
def test_a_test_waits_for_a_template_that_is_not_there_yet(problem: Reason) -> None:
    missing = ObservedTemplate(None, problem, "ConfigMap shop/products does not exist")

    decision = decide(a_new_observation(SPEC, records_template=missing), POLICY)

    assert decision.status is not None
    assert decision.status.phase is Phase.QUEUED
    assert decision.status.message == "ConfigMap shop/products does not exist"
    assert decision.actions == ()
    assert decision.requeue_seconds == pytest.approx(2)


def test_a_template_that_cannot_be_read_ends_the_test() -> None:
    wrong = ObservedTemplate(None, Reason.RecordsInvalid, "key a of ConfigMap shop/products is not YAML", True)

    decision = decide(a_new_observation(SPEC, records_template=wrong), POLICY)

    assert decision.status is not None
    assert decision.status.phase is Phase.COMPLETED
    assert "is not YAML" in decision.status.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{fields: {only: []}}", "leaves no column"),
        ("{fields: {only: [], add: [{name: a, kind: unique}]}}", "kind unique needs width"),
        ("{fields: {only: [emial]}}", "did you mean email"),
    ],
)
def test_what_a_template_asks_for_is_checked_as_if_it_stood_in_the_spec(text: str, words: str) -> None:
    template = ObservedTemplate(read_template(f"records: {text}"))

    decision = decide(a_new_observation(SPEC, records_template=template), POLICY)

    assert decision.status is not None
    assert decision.status.phase is Phase.COMPLETED
    assert words in decision.status.message
    assert Reason.RecordsInvalid in {condition.reason for condition in decision.status.conditions}


def test_a_run_whose_job_is_gone_is_judged_although_its_template_is_gone_too() -> None:
    gone = ObservedTemplate(None, Reason.ConfigMapMissing, "ConfigMap shop/products does not exist")
    observation = an_observation(spec=SPEC, begun=True, job=None, records_template=gone)

    decision = decide(observation, POLICY)

    assert decision.status is not None
    assert "template" not in decision.status.message
