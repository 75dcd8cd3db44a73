"""A spec becomes a plan with every default filled in."""

import msgspec
import pytest

from loadtest_model.plan import Deadlines, Plan, PlanError, compile_plan, plan_hash
from loadtest_model.spec import Identity, Spec
from loadtest_model.values import nanoseconds_of, seconds_of
from support.builders import IDENTITY, URL, a_plan, a_spec


@pytest.mark.parametrize(
    ("scenario", "batch", "users", "seconds"),
    [("light", 1_000, 1, 120), ("medium", 5_000, 3, 180), ("heavy", 10_000, 5, 300), ("stress", 10_000, 10, 600)],
)
def test_a_scenario_brings_its_batch_size_users_and_duration(
    scenario: str, batch: int, users: int, seconds: float
) -> None:
    (step,) = a_plan(scenario=scenario).steps

    assert (step.batch_size, step.virtual_users, step.duration_seconds) == (batch, users, seconds)


def test_all_runs_the_four_scenarios_in_order() -> None:
    assert [step.name for step in a_plan(scenario="all").steps] == ["light", "medium", "heavy", "stress"]


def test_medium_heavy_and_stress_climb_in_three_plateaus() -> None:
    (step,) = a_plan(scenario="stress").steps

    assert [(s.first_users, s.last_users, s.duration_seconds) for s in step.segments] == [
        (2, 2, 200.0),
        (6, 6, 200.0),
        (10, 10, 200.0),
    ]


def test_load_overrides_the_scenario() -> None:
    (step,) = a_plan(scenario="heavy", load={"batchSize": 7, "virtualUsers": 2, "duration": "1m30s"}).steps

    assert (step.batch_size, step.virtual_users, step.duration_seconds) == (7, 2, 90.0)


def test_stages_are_ramps_and_a_stage_of_no_length_jumps() -> None:
    stages = [{"duration": "0s", "virtualUsers": 2}, {"duration": "10s", "virtualUsers": 4}]

    (step,) = a_plan(scenario="custom", load={"batchSize": 10, "stages": stages}).steps

    assert [(s.first_users, s.last_users, s.duration_seconds) for s in step.segments] == [(2, 4, 10.0)]


def test_only_an_unchanged_stress_test_demands_a_million_records() -> None:
    assert "accepted_records >= 1000000" in a_plan(scenario="stress").steps[0].thresholds
    assert "accepted_records >= 1000000" not in a_plan(scenario="stress", load={"duration": "1m"}).steps[0].thresholds
    assert "accepted_records >= 1000000" not in a_plan(scenario="heavy").steps[0].thresholds


def test_thresholds_of_the_spec_replace_the_defaults() -> None:
    assert a_plan(thresholds=["p99 < 1s"]).steps[0].thresholds == ("p99 < 1s",)


def test_more_pods_than_virtual_users_are_refused_with_the_remedy() -> None:
    with pytest.raises(PlanError, match=r"spec\.parallelism is 2, .* fewer virtual users \(1\)") as refusal:
        a_plan(scenario="light", parallelism=2)

    assert refusal.value.reason == "ParallelismAboveVirtualUsers"


@pytest.mark.parametrize(
    ("fields", "reason", "message"),
    [
        ({"scenario": "custom", "load": {"duration": "1m"}}, "BatchSizeMissing", "spec.load.batchSize is required"),
        ({"load": {"gracefulStop": "3m"}}, "GracefulStopTooLong", "spec.load.gracefulStop must not be longer"),
        ({"target": {"url": "http://clients:0/x"}}, "InvalidURL", "spec.target.url must have a port"),
        ({"target": {"url": URL, "headers": {"Host": "x"}}}, "SpecInvalid", "spec.target.headers must not set"),
        ({"verification": {"require": "Proven"}}, "ReadBackMissing", "spec.verification.require is Proven"),
    ],
)
def test_a_spec_that_breaks_a_rule_has_no_plan(fields: dict[str, object], reason: str, message: str) -> None:
    with pytest.raises(PlanError) as refusal:
        a_plan(**fields)

    assert refusal.value.reason == reason
    assert str(refusal.value).startswith(message)


def test_a_warm_up_as_long_as_the_load_is_refused() -> None:
    with pytest.raises(PlanError, match=r"spec\.load\.warmUp is 2m"):
        a_plan(load={"warmUp": "2m"})


def test_equal_specs_have_equal_plans_and_another_run_has_other_records() -> None:
    plan, equal_plan, plan_of_another_run = a_plan(), a_plan(), a_plan(runId="2")

    assert plan_hash(plan) == plan_hash(equal_plan)
    assert plan.records != plan_of_another_run.records
    assert plan_hash(plan) != plan_hash(plan_of_another_run)


def test_a_plan_has_the_same_hash_for_who_wrote_and_who_read_it() -> None:
    plan = compile_plan(a_spec(), IDENTITY, deadlines=Deadlines(barrier_seconds=60))

    assert plan_hash(plan) == plan_hash(msgspec.json.decode(msgspec.json.encode(plan), type=Plan))


def test_a_seed_chooses_the_people_but_never_the_run_tag() -> None:
    plan = compile_plan(a_spec(records={"seed": 7}), IDENTITY)
    plan_of_another_test = compile_plan(
        a_spec(records={"seed": 7}), Identity(namespace="shop", name="heavy", uid="another")
    )

    assert plan.records.seed == plan_of_another_test.records.seed == 7
    assert plan.records.run_tag != plan_of_another_test.records.run_tag


def test_a_plan_survives_the_wire() -> None:
    plan = a_plan(scenario="all", target={"url": URL, "headers": {"X-Team": "shop"}})

    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ({}, "clients-{n}.csv"),
        ({"format": "xlsx"}, "clients-{n}.xlsx"),
        ({"format": "xlsx", "fileName": "import-{n}.data"}, "import-{n}.data"),
    ],
)
def test_a_file_that_nobody_named_is_named_for_its_format(target: dict[str, str], name: str) -> None:
    spec = msgspec.convert({"target": {"url": URL, **target}, "scenario": "light"}, Spec)

    assert compile_plan(spec, IDENTITY).target.file_name == name


def test_a_format_that_does_not_exist_is_refused_with_its_field() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"'pdf'.*\$\.target\.format"):
        msgspec.convert({"target": {"url": URL, "format": "pdf"}, "scenario": "light"}, Spec)


def test_a_field_that_does_not_exist_is_named() -> None:
    with pytest.raises(msgspec.ValidationError, match="batchsize"):
        msgspec.convert({"target": {"url": URL}, "scenario": "light", "load": {"batchsize": 1}}, Spec)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1m30s", 90), ("1.5h", 5400), ("500ms", 0.5), ("0s", 0)])
def test_durations_are_read_with_their_units(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0.0000000001s", 0),
        ("1h0.000000001s", 3_600_000_000_001),
        ("999.9999999999ms", 999_999_999),
        ("1.1ms", 1_100_000),
    ],
)
def test_durations_have_whole_nanoseconds(text: str, nanoseconds: int) -> None:
    assert nanoseconds_of(text) == nanoseconds


@pytest.mark.parametrize("text", ["90", "s", "5 m", "-1s", "1d", "", "1s\n"])
def test_what_is_no_duration_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds_of(text)


def a_load(**load: object) -> Plan:
    return a_plan(scenario="custom", load={"batchSize": 10, **load})


def test_an_arrival_rate_opens_the_model_with_users_for_thirty_seconds_of_it() -> None:
    (step,) = a_load(arrivalRate=2.5, duration="60s").steps

    assert step.arrivals is not None
    assert step.arrivals.process == "constant"
    assert step.arrivals.max_lateness_seconds == 120.0
    assert (step.virtual_users, step.duration_seconds) == (75, 60.0)


def test_a_high_arrival_rate_gets_no_more_than_a_thousand_users_by_default() -> None:
    assert a_load(arrivalRate=500, duration="60s").steps[0].virtual_users == 1_000
    assert a_load(arrivalRate=500, duration="60s", virtualUsers=2_000).steps[0].virtual_users == 2_000


def test_an_arrival_rate_climbs_in_the_plateaus_of_its_scenario() -> None:
    (step,) = a_plan(scenario="heavy", load={"arrivalRate": 10}).steps

    assert step.arrivals is not None
    assert [rate.first_per_second for rate in step.arrivals.rates] == [2.0, 6.0, 10.0]


def test_records_stand_for_a_duration_that_bounds_them() -> None:
    (step,) = a_load(records=95).steps

    assert (step.uploads, step.duration_seconds) == (10, 86_400.0)


def test_the_graceful_stop_bounds_the_drain() -> None:
    plan = a_load(duration="60s", gracefulStop="5s")

    assert plan.step_span_seconds == (65.0,)
    assert a_load(duration="60s").step_span_seconds == (180.0,)


@pytest.mark.parametrize("load", [{"records": 20}, {"arrivalRate": 1, "duration": "2s", "virtualUsers": 10}])
def test_more_pods_than_uploads_are_refused(load: dict[str, object]) -> None:
    with pytest.raises(PlanError) as refusal:
        a_plan(scenario="custom", parallelism=3, load={"batchSize": 10, "virtualUsers": 10, **load})

    assert refusal.value.reason == "ParallelismAboveUploads"


def test_a_threshold_of_one_step_is_held_in_that_step_alone() -> None:
    light, medium, *_ = a_plan(scenario="all", thresholds=["error_rate < 1%", "medium.p95 < 5s"]).steps

    assert light.thresholds == ("error_rate < 1%",)
    assert medium.thresholds == ("error_rate < 1%", "medium.p95 < 5s")


def test_a_threshold_of_a_step_that_the_test_does_not_have_is_refused() -> None:
    with pytest.raises(PlanError, match="a bound on step heavy, but the test has only light"):
        a_plan(scenario="light", thresholds=["heavy.p95 < 5s"])
