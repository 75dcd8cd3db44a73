"""What Prometheus is told."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.own_time import OwnTime
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_operator.decide import decide
from loadtest_operator.facts.observation import Observation
from loadtest_operator.program.metrics import OperatorMetrics, RunMetrics
from loadtest_operator.program.run_families import RESPONSE_BOUNDS_SECONDS, cumulative_buckets
from loadtest_operator.program.run_views import step_views
from support.builders import a_spec
from support.operator_builders import (
    POLICY,
    a_fleet_plan,
    a_measured_step,
    a_pod,
    a_snapshot,
    an_observation,
    decide_end,
    next_observation,
)
from support.report_cases import COMPARED_RESULTS

LABELS = {"namespace": "shop", "test": "heavy"}
Series = tuple[str, tuple[tuple[str, str], ...]]


def done() -> Observation:
    return an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True)


def shown(metrics: RunMetrics) -> dict[Series, float]:
    registry = CollectorRegistry()
    registry.register(metrics)
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def without_phase(samples: dict[Series, float]) -> dict[Series, float]:
    return {series: value for series, value in samples.items() if series[0] != "loadtest_phase"}


def phases(metrics: RunMetrics) -> list[str]:
    """The phases that the test is shown in."""
    return [
        dict(labels)["phase"]
        for (name, labels), value in shown(metrics).items()
        if name == "loadtest_phase" and value == 1
    ]


def key(name: str, **labels: str) -> Series:
    return name, tuple(sorted({**LABELS, **labels}.items()))


def test_the_merged_measurements_of_a_test_are_shown_by_step() -> None:
    metrics = RunMetrics()
    observation = done()

    metrics.show(observation, decide(observation, POLICY))

    samples = shown(metrics)
    assert samples[key("loadtest_uploads_total", step="custom", outcome="accepted")] == 100
    assert samples[key("loadtest_uploads_total", step="custom", outcome="violation")] == 0
    assert samples[key("loadtest_records_confirmed_total", step="custom")] == 100_000
    assert samples[key("loadtest_response_seconds_count", step="custom")] == 100
    assert samples[key("loadtest_response_seconds_sum", step="custom")] == 100.0
    assert samples[key("loadtest_verdict", verdict="Passed")] == 1
    assert samples[key("loadtest_verdict", verdict="Failed")] == 0
    assert samples[key("loadtest_never_loaded")] == 0
    assert samples[key("loadtest_health", level="Good")] == 1
    assert samples[key("loadtest_threshold_passed", step="", threshold="p95 < 20s")] == 1


def test_a_running_test_has_virtual_users_and_no_verdict() -> None:
    metrics = RunMetrics()
    observation = an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True)

    metrics.show(observation, decide(observation, POLICY))

    samples = shown(metrics)
    assert samples[key("loadtest_virtual_users", step="custom")] == 2
    assert key("loadtest_verdict", verdict="Passed") not in samples


def test_a_test_is_in_one_phase() -> None:
    for state, begun, phase in ((PodState.WAITING, False, "Verifying"), (PodState.RUNNING, True, "Running")):
        metrics = RunMetrics()
        observation = an_observation(a_pod(0, state), a_pod(1, state), begun=begun)

        metrics.show(observation, decide(observation, POLICY))

        assert phases(metrics) == [phase]


def test_a_threshold_is_shown_with_its_bound_and_whether_it_is_in_doubt() -> None:
    metrics = RunMetrics()
    observation = done()
    decision = decide(observation, POLICY)
    assert decision.status is not None
    doubtful = ThresholdResult(expression="p95 < 20s", value=19.9, passed=None, low=19.0, high=21.0)
    unmeasured = ThresholdResult(expression="error_rate <= 2%", value=None, passed=None)
    status = structs.replace(decision.status, thresholds=(doubtful, unmeasured))

    metrics.show(observation, replace(decision, status=status))

    samples = shown(metrics)
    assert samples[key("loadtest_threshold_bound", step="", threshold="p95 < 20s")] == 20
    assert samples[key("loadtest_threshold_in_doubt", step="", threshold="p95 < 20s")] == 1
    assert key("loadtest_threshold_passed", step="", threshold="p95 < 20s") not in samples
    assert samples[key("loadtest_threshold_bound", step="", threshold="error_rate <= 2%")] == 0.02
    assert key("loadtest_threshold_in_doubt", step="", threshold="error_rate <= 2%") not in samples


def test_a_bound_on_the_baseline_is_shown_as_what_the_tolerance_allows_also_after_a_restart() -> None:
    metrics = RunMetrics()
    observation = done()
    after = next_observation(observation, decide_end(observation), pods=())
    breached, _, not_compared = (msgspec.to_builtins(result) for result in COMPARED_RESULTS)
    status = {**after.test.status, "thresholds": [breached, not_compared]}
    after = replace(after, test=replace(after.test, status=status))

    metrics.show(after, decide(after, POLICY))

    samples = shown(metrics)
    assert samples[key("loadtest_threshold_bound", step="", threshold="p95 < baseline + 10%")] == 0.362
    assert samples[key("loadtest_threshold_passed", step="", threshold="p95 < baseline + 10%")] == 0
    assert key("loadtest_threshold_bound", step="", threshold="p50 < baseline + 10%") not in samples
    assert samples[key("loadtest_threshold_in_doubt", step="", threshold="p50 < baseline + 10%")] == 0


def test_a_threshold_that_only_another_version_knows_does_not_stop_the_scrape() -> None:
    metrics = RunMetrics()
    observation = done()
    after = next_observation(observation, decide_end(observation), pods=())
    threshold = {"expression": "p42 < 1s", "value": 2.0, "passed": False, "step": ""}
    after = replace(after, test=replace(after.test, status={**after.test.status, "thresholds": [threshold]}))

    metrics.show(after, decide(after, POLICY))

    samples = shown(metrics)
    assert samples[key("loadtest_threshold_passed", step="", threshold="p42 < 1s")] == 0
    assert key("loadtest_threshold_bound", step="", threshold="p42 < 1s") not in samples


def test_what_the_generator_itself_did_is_shown() -> None:
    own = OwnTime(response=sketch_of([20_000_000] * 10), offered=90, planned=100)
    steps = (structs.replace(a_measured_step(), own=own),)
    health = GeneratorHealth(loop_lag_p99_seconds=0.25, throttled_share=0.5)
    pods = [
        a_pod(0, snapshot=a_snapshot(0, PodState.RUNNING, steps=steps, generator=health)),
        a_pod(1, snapshot=a_snapshot(1, PodState.RUNNING, steps=steps)),
    ]
    metrics = RunMetrics()
    observation = an_observation(*pods, begun=True)

    metrics.show(observation, decide(observation, POLICY))

    samples = shown(metrics)
    assert samples[key("loadtest_generator_own_p95_seconds", step="custom")] == pytest.approx(0.02, rel=0.01)
    assert samples[key("loadtest_generator_offered_ratio", step="custom")] == 0.9
    assert samples[key("loadtest_generator_loop_lag_seconds")] == 0.25
    assert samples[key("loadtest_generator_throttled_ratio")] == 0.5


def test_throttling_that_the_system_does_not_tell_is_not_shown_as_none() -> None:
    health = GeneratorHealth(throttled_share=None)
    pods = [a_pod(index, snapshot=a_snapshot(index, PodState.RUNNING, generator=health)) for index in range(2)]
    metrics = RunMetrics()
    observation = an_observation(*pods, begun=True)

    metrics.show(observation, decide(observation, POLICY))

    assert key("loadtest_generator_loop_lag_seconds") in shown(metrics)
    assert key("loadtest_generator_throttled_ratio") not in shown(metrics)


def test_a_completed_test_keeps_its_series_while_it_exists() -> None:
    metrics = RunMetrics()
    observation = done()
    decision = decide(observation, POLICY)
    metrics.show(observation, decision)
    before = without_phase(shown(metrics))

    after = next_observation(observation, decision, pods=())
    metrics.show(after, decide(after, POLICY))

    assert without_phase(shown(metrics)) == before
    assert phases(metrics) == ["Completed"]


def test_a_restarted_operator_shows_a_completed_test_from_its_status() -> None:
    observation = done()
    after = next_observation(observation, decide_end(observation), pods=())
    metrics = RunMetrics()

    metrics.show(after, decide(after, POLICY))

    samples = shown(metrics)
    assert samples[key("loadtest_uploads_total", step="custom", outcome="accepted")] == 100
    assert samples[key("loadtest_verdict", verdict="Passed")] == 1
    assert samples[key("loadtest_threshold_passed", step="", threshold="error_rate < 1%")] == 1


def test_a_test_that_never_loaded_shows_it_and_no_health_of_its_target() -> None:
    observation = an_observation(a_pod(0, PodState.REFUSED))
    decision = decide(observation, POLICY)
    after = next_observation(observation, decision, pods=())

    for turn in (observation, after):
        metrics = RunMetrics()
        metrics.show(turn, decide(turn, POLICY))
        samples = shown(metrics)
        assert samples[key("loadtest_never_loaded")] == 1
        assert samples[key("loadtest_verdict", verdict="Failed")] == 1
        assert key("loadtest_health", level="Good") not in samples


def test_the_series_of_a_deleted_test_go_away() -> None:
    metrics = RunMetrics()
    observation = done()
    metrics.show(observation, decide(observation, POLICY))

    metrics.forget("shop", "heavy")

    assert shown(metrics) == {}


def test_a_new_run_replaces_the_one_before() -> None:
    metrics = RunMetrics()
    observation = done()
    decision = decide(observation, POLICY)
    metrics.show(observation, decision)
    after = next_observation(observation, decision, pods=())

    metrics.show(replace(after, run_id="2"), decide(replace(after, run_id="2", job=None), POLICY))

    assert key("loadtest_verdict", verdict="Passed") not in shown(metrics)


def test_a_restarted_operator_shows_no_counts_before_it_has_heard_of_every_pod() -> None:
    metrics = RunMetrics()
    one_of_two = an_observation(a_pod(0, PodState.RUNNING), a_pod(1), begun=True)
    both = an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True)

    metrics.show(one_of_two, decide(one_of_two, POLICY))
    before = shown(metrics)
    metrics.show(both, decide(both, POLICY))

    accepted = key("loadtest_uploads_total", step="custom", outcome="accepted")
    assert accepted not in before
    assert shown(metrics)[accepted] == 100


def test_counts_never_go_back_within_a_run() -> None:
    metrics = RunMetrics()
    both = an_observation(a_pod(0, PodState.RUNNING), a_pod(1, PodState.RUNNING), begun=True)
    metrics.show(both, decide(both, POLICY))
    before = shown(metrics)
    one_left = an_observation(a_pod(0, PodState.RUNNING), begun=True)

    metrics.show(one_left, decide(one_left, POLICY))

    counters = {name: value for name, value in before.items() if name[0].endswith(("_total", "_count", "_sum"))}
    assert counters
    assert {name: shown(metrics)[name] for name in counters} == counters


def test_requests_to_the_api_server_are_counted_by_verb_and_code() -> None:
    registry = CollectorRegistry()
    own = OperatorMetrics(registry)

    for verb, code in (("GET", 200), ("GET", 200), ("PATCH", 409), ("GET", 0)):
        own.count_answer(verb, code)

    def count(verb: str, code: str) -> float | None:
        return registry.get_sample_value("loadtest_operator_api_requests_total", {"verb": verb, "code": code})

    assert (count("GET", "200"), count("PATCH", "409"), count("GET", "0")) == (2, 1, 1)


def test_a_sketch_as_a_histogram_counts_what_lies_at_or_below_each_bound() -> None:
    sketch = sketch_of(int(seconds * 1e9) for seconds in (0.003, 0.04, 0.3, 3.0, 400.0))

    buckets = dict(cumulative_buckets(sketch, RESPONSE_BOUNDS_SECONDS))

    assert (buckets["0.005"], buckets["0.05"], buckets["0.5"], buckets["5.0"]) == (1, 2, 3, 4)
    assert (buckets["300.0"], buckets["+Inf"]) == (4, 5)


def test_every_metric_is_documented() -> None:
    registry = CollectorRegistry()
    metrics = RunMetrics()
    registry.register(metrics)
    OperatorMetrics(registry)
    observation = done()
    metrics.show(observation, decide(observation, POLICY))
    documents = (Path(__file__).resolve().parents[4] / "docs" / "metrics.md").read_text()

    names = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        if not family.name.endswith("_created")
    }

    assert len(names) > 15
    assert {name for name in names if f"`{name}`" not in documents} == set()


def test_uploads_that_went_to_another_address_are_shown_apart() -> None:
    total = structs.replace(a_measured_step(100).total, rerouted=4)
    steps = (structs.replace(a_measured_step(100), total=total),)
    pods = [
        replace(a_pod(index, PodState.RUNNING), snapshot=a_snapshot(index, PodState.RUNNING, steps=steps))
        for index in range(2)
    ]
    observation = an_observation(*pods, begun=True)
    metrics = RunMetrics()

    metrics.show(observation, decide(observation, POLICY))

    assert shown(metrics)[key("loadtest_rerouted_uploads_total", step="custom")] == 8


COUNTERS = (
    key("loadtest_uploads_total", step="custom", outcome="accepted"),
    key("loadtest_uploads_total", step="custom", outcome="violation"),
    key("loadtest_rerouted_uploads_total", step="custom"),
    key("loadtest_dropped_iterations_total", step="custom"),
    key("loadtest_upload_errors_total", step="custom", kind="timeout"),
    key("loadtest_records_sent_total", step="custom"),
    key("loadtest_records_confirmed_total", step="custom"),
    key("loadtest_sent_bytes_total", step="custom"),
    key("loadtest_response_seconds_count", step="custom"),
    key("loadtest_response_seconds_sum", step="custom"),
)


def test_counters_exist_at_zero_before_the_first_upload() -> None:
    metrics = RunMetrics()
    observation = an_observation(a_pod(0, PodState.WAITING), a_pod(1, PodState.WAITING))

    metrics.show(observation, decide(observation, POLICY))

    samples = shown(metrics)
    assert {name: samples.get(name) for name in COUNTERS} == dict.fromkeys(COUNTERS, 0)
    every_kind = {labels for name, labels in samples if name == "loadtest_upload_errors_total"}
    assert len(every_kind) == len(ErrorKind)


def test_counters_stay_at_zero_where_not_every_pod_has_been_heard_yet() -> None:
    metrics = RunMetrics()
    waiting = an_observation(a_pod(0, PodState.WAITING), a_pod(1))

    metrics.show(waiting, decide(waiting, POLICY))

    assert shown(metrics)[COUNTERS[0]] == 0


def test_an_operator_that_was_restarted_under_load_shows_no_zeros() -> None:
    metrics = RunMetrics()
    observation = an_observation(a_pod(0, PodState.RUNNING), a_pod(1), begun=True)

    metrics.show(observation, decide(observation, POLICY))

    assert COUNTERS[0] not in shown(metrics)


def test_a_step_that_has_not_begun_has_its_counters_at_zero() -> None:
    plan = a_fleet_plan(a_spec(scenario="all"))
    view = step_views(plan, Aggregate(steps=(a_measured_step(),)))

    assert [step.name for step in view] == [step.name for step in plan.steps]
    assert [step.total.accepted for step in view] == [50, *[0] * (len(plan.steps) - 1)]
