"""The target's part of a plan: time-outs, secrets and TLS."""

from typing import Any

import msgspec
import pytest

from loadtest_model.plan import PlanError, SecretPlace, SecretPlaces, TargetPlan
from loadtest_model.plan.secrets import NO_PLACES
from loadtest_model.plan.target import compile_target
from loadtest_model.spec.target import Target

LOGIN = {"url": "https://clients/api/token/", "secretRef": {"name": "robot"}}
NAMED = SecretPlaces(username=SecretPlace(file="/name"), password=SecretPlace(variable="WORD"))


def target_plan(places: SecretPlaces = NO_PLACES, **fields: Any) -> TargetPlan:
    return compile_target(msgspec.convert({"url": "https://clients/x", **fields}, Target), (), places)


def test_a_part_of_an_upload_never_has_longer_than_the_whole() -> None:
    plan = target_plan(timeout="5s", timeouts={"upload": "2s", "answer": "1m"})

    assert plan.timeout_seconds == 5
    assert plan.connect_timeout_seconds == 5
    assert plan.upload_timeout_seconds == 2
    assert plan.answer_timeout_seconds == 5


def test_parts_that_are_not_named_have_as_long_as_the_whole_but_ten_seconds_to_connect() -> None:
    plan = target_plan()

    assert (plan.timeout_seconds, plan.connect_timeout_seconds) == (120, 10)
    assert plan.upload_timeout_seconds == plan.answer_timeout_seconds == 120


def test_a_login_takes_name_and_password_from_their_places() -> None:
    plan = target_plan(NAMED, auth={"login": LOGIN})

    assert plan.login is not None
    assert (plan.login.username.file, plan.login.password.variable) == ("/name", "WORD")
    assert plan.token is None


def test_a_token_at_hand_is_used_where_the_spec_names_none() -> None:
    assert target_plan(SecretPlaces(token=SecretPlace(variable="AUTH_TOKEN"))).token == SecretPlace(
        variable="AUTH_TOKEN"
    )


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"auth": {"secretKeyRef": {"name": "t"}}}, "spec.target.auth.secretKeyRef"),
        ({"auth": {"login": LOGIN}}, "spec.target.auth.login.secretRef"),
        ({"headersFrom": [{"name": "X-Key", "secretKeyRef": {"name": "t"}}]}, "spec.target.headersFrom.*header X-Key"),
        ({"tls": {"caSecretKeyRef": {"name": "t"}}}, "spec.target.tls"),
        ({"tls": {"clientCertificateSecretRef": {"name": "t"}}}, "spec.target.tls.clientCertificateSecretRef"),
    ],
)
def test_a_secret_that_is_named_and_nowhere_is_refused(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(PlanError, match=path) as refusal:
        target_plan(**fields)

    assert refusal.value.reason == "SecretMissing"
