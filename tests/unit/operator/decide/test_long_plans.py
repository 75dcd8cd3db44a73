"""Plans that are longer than what a pod can be given in its environment."""

import pytest

from loadtest_model.plan.variable import MOST_BYTES, decode_plan
from loadtest_model.report.status import ConditionType
from loadtest_operator.decide import decide
from loadtest_operator.decide.actions import CreateJob
from loadtest_operator.facts.endpoints import Endpoints
from support.builders import URL
from support.operator_builders import POLICY, a_fleet_spec, a_new_observation

TEXTS = {f"x-price-{number}": "$" * 1_024 for number in range(16)}


def many_endpoints(count: int) -> Endpoints:
    return Endpoints(tuple(f"10.244.{number // 250}.{number % 250}:8000" for number in range(count)))


@pytest.mark.parametrize(
    ("fields", "addresses", "words"),
    [
        ({}, 8_000, "the list of the target's 8,000 addresses takes"),
        ({"headers": TEXTS, "formFields": dict(list(TEXTS.items())[:9])}, 100, "spec.target.headers takes"),
    ],
)
def test_such_a_plan_is_refused_before_the_job_by_its_longest_part(
    fields: dict[str, dict[str, str]], addresses: int, words: str
) -> None:
    spec = a_fleet_spec(target={"url": URL, **fields})

    ended = decide(a_new_observation(spec, endpoints=many_endpoints(addresses)), POLICY)

    assert ended.actions == ()
    assert ended.status is not None
    succeeded = ended.status.condition(ConditionType.SUCCEEDED)
    assert succeeded is not None
    assert succeeded.reason == "PlanTooLarge"
    assert words in ended.status.message
    assert ("has fewer endpoints" in ended.status.message) is not bool(fields)


def test_as_many_addresses_as_a_pod_can_be_given_make_a_job_that_its_pods_can_read() -> None:
    endpoints = many_endpoints(5_000)

    (creation,) = decide(a_new_observation(endpoints=endpoints), POLICY).actions

    assert isinstance(creation, CreateJob)
    (container,) = creation.manifest["spec"]["template"]["spec"]["containers"]
    text = container["env"][0]["value"]
    assert len(text) <= MOST_BYTES
    assert decode_plan(text).target.addresses == endpoints.addresses
