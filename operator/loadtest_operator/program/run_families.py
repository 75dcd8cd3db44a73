"""The metric families of tests, made from the views of all of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.outcomes import Outcome
from loadtest_model.measurement.sketch import GAMMA, Sketch
from loadtest_model.report.status import Phase
from loadtest_model.thresholds.bounds import ThresholdResult, parse_threshold
from loadtest_model.values import NANOSECONDS
from loadtest_operator.program.run_views import RunView

RESPONSE_BOUNDS_SECONDS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip
_OUTCOMES: Final = tuple(str(outcome) for outcome in Outcome)

Views = Mapping[tuple[str, str], RunView]


def run_families(views: Views) -> Iterator[Metric]:
    """Every family, with the series of all tests; `views` are by namespace and name."""
    yield from _step_families(views)
    yield from _response_families(views)
    yield from _state_families(views)
    yield from _threshold_families(views)
    yield from _generator_families(views)
    yield from _capacity_families(views)


def _step_families(views: Views) -> Iterable[Metric]:
    labels = ["namespace", "test", "step"]
    uploads = CounterMetricFamily("loadtest_uploads", "Uploads sent, by outcome.", labels=[*labels, "outcome"])
    rerouted = CounterMetricFamily(
        "loadtest_rerouted_uploads",
        "Uploads that went to another address, since theirs had left the target before a connection.",
        labels=labels,
    )
    dropped = CounterMetricFamily(
        "loadtest_dropped_iterations", "Iterations that were due and never sent.", labels=labels
    )
    errors = CounterMetricFamily("loadtest_upload_errors", "Uploads not accepted, by kind.", labels=[*labels, "kind"])
    sent = CounterMetricFamily("loadtest_records_sent", "Client records sent.", labels=labels)
    confirmed = CounterMetricFamily(
        "loadtest_records_confirmed", "Client records that the target confirmed.", labels=labels
    )
    bytes_sent = CounterMetricFamily("loadtest_sent_bytes", "Bytes of request bodies sent.", labels=labels)
    for (namespace, test), view in views.items():
        for step in view.steps:
            values = [namespace, test, step.name]
            for outcome in _OUTCOMES:
                uploads.add_metric([*values, outcome], getattr(step.total, outcome))
            rerouted.add_metric(values, step.total.rerouted)
            dropped.add_metric(values, step.total.dropped)
            for kind, count in step.errors.items():
                errors.add_metric([*values, str(kind)], count)
            sent.add_metric(values, step.total.records_sent)
            confirmed.add_metric(values, step.total.records_confirmed)
            bytes_sent.add_metric(values, step.total.bytes_sent)
    return (uploads, rerouted, dropped, errors, sent, confirmed, bytes_sent)


def _response_families(views: Views) -> Iterable[Metric]:
    family = HistogramMetricFamily(
        "loadtest_response_seconds",
        "Response time of accepted and unknown uploads after the warm-up, from their intended start; merged over all"
        " pods, within 1 % of the bounds.",
        labels=["namespace", "test", "step"],
    )
    for (namespace, test), view in views.items():
        for step in view.steps:
            if step.response is not None:
                family.add_metric(
                    [namespace, test, step.name],
                    buckets=cumulative_buckets(step.response, RESPONSE_BOUNDS_SECONDS),
                    sum_value=step.response.sum_nanoseconds / NANOSECONDS,
                )
    return (family,)


def _state_families(views: Views) -> Iterable[Metric]:
    labels = ["namespace", "test"]
    phase = GaugeMetricFamily("loadtest_phase", "1 for the test's phase, 0 for the others.", labels=[*labels, "phase"])
    users = GaugeMetricFamily("loadtest_virtual_users", "Virtual users that run now.", labels=[*labels, "step"])
    verdict = GaugeMetricFamily(
        "loadtest_verdict", "1 for the verdict of a completed test, 0 for the others.", labels=[*labels, "verdict"]
    )
    never_loaded = GaugeMetricFamily(
        "loadtest_never_loaded", "1 for a completed test that loaded nothing, 0 for another.", labels=labels
    )
    health = GaugeMetricFamily(
        "loadtest_health", "1 for the target's health, 0 for the other levels.", labels=[*labels, "level"]
    )
    for (namespace, test), view in views.items():
        values = [namespace, test]
        for each in Phase:
            phase.add_metric([*values, each], float(view.phase == each))
        for step in view.steps:
            users.add_metric([*values, step.name], view.virtual_users if step.name == view.step else 0)
        if view.verdict is not None:
            for name in Verdict:
                verdict.add_metric([*values, name], float(view.verdict == name))
            never_loaded.add_metric(values, float(view.never_loaded))
        if view.health is not None:
            for level in HealthLevel:
                health.add_metric([*values, level], float(view.health == level))
    return (phase, users, verdict, never_loaded, health)


def _threshold_families(views: Views) -> Iterable[Metric]:
    labels = ["namespace", "test", "step", "threshold"]
    value = GaugeMetricFamily(
        "loadtest_threshold_value",
        "Measured value beside a threshold, in seconds, as a ratio or as a number.",
        labels=labels,
    )
    bound = GaugeMetricFamily("loadtest_threshold_bound", "Bound of a threshold, in the value's unit.", labels=labels)
    threshold_passed = GaugeMetricFamily(
        "loadtest_threshold_passed", "1 while a threshold holds, else 0; absent while it is in doubt.", labels=labels
    )
    in_doubt = GaugeMetricFamily(
        "loadtest_threshold_in_doubt",
        "1 while what the generator itself did, or cut, leaves open whether a threshold holds.",
        labels=labels,
    )
    for (namespace, test), view in views.items():
        for result in view.thresholds:
            values = [namespace, test, result.step, result.expression]
            if (limit := _bound_of(result)) is not None:
                bound.add_metric(values, limit)
            if result.value is not None:
                value.add_metric(values, result.value)
                in_doubt.add_metric(values, float(result.is_in_doubt))
            if result.passed is not None:
                threshold_passed.add_metric(values, float(result.passed))
    return (value, bound, threshold_passed, in_doubt)


def _bound_of(result: ThresholdResult) -> float | None:
    """The bound of a threshold; None if it names a metric of another version, or a baseline that there is not."""
    if result.baseline is not None:
        return result.baseline.bound
    try:
        threshold = parse_threshold(result.expression)
    except ValueError:
        return None
    return threshold.bound if threshold.tolerance is None else None


def _generator_families(views: Views) -> Iterable[Metric]:
    labels = ["namespace", "test"]
    own = GaugeMetricFamily(
        "loadtest_generator_own_p95_seconds",
        "How much of the response times the generator itself may have added, 95th percentile of a step so far.",
        labels=[*labels, "step"],
    )
    offered = GaugeMetricFamily(
        "loadtest_generator_offered_ratio",
        "Share of a step's planned load that the generator was able to offer so far.",
        labels=[*labels, "step"],
    )
    lag = GaugeMetricFamily(
        "loadtest_generator_loop_lag_seconds",
        "How late the event loop of the worst pod woke a sleeper, 99th percentile so far.",
        labels=labels,
    )
    throttled = GaugeMetricFamily(
        "loadtest_generator_throttled_ratio",
        "Share of the time for which a CPU limit kept the worst pod from working, as far as the system tells.",
        labels=labels,
    )
    for (namespace, test), view in views.items():
        values = [namespace, test]
        for step in view.steps:
            if step.own is not None:
                offered.add_metric([*values, step.name], step.own.offered_share)
                own_seconds = step.own.response.quantile_seconds(0.95)
                if own_seconds is not None:
                    own.add_metric([*values, step.name], own_seconds)
        if view.generator is not None:
            lag.add_metric(values, view.generator.loop_lag_p99_seconds)
            if view.generator.throttled_share is not None:
                throttled.add_metric(values, view.generator.throttled_share)
    return (own, offered, lag, throttled)


def _capacity_families(views: Views) -> Iterable[Metric]:
    labels = ["namespace", "test", "by"]
    held = GaugeMetricFamily(
        "loadtest_capacity",
        "The highest load of a climb that held, in the unit that it climbs by; absent while none did.",
        labels=labels,
    )
    at_least = GaugeMetricFamily(
        "loadtest_capacity_at_least",
        "1 if the target may carry more than loadtest_capacity, because it was not the limit itself, else 0.",
        labels=labels,
    )
    knee = GaugeMetricFamily(
        "loadtest_capacity_knee",
        "The load of a climb from which on throughput grew by less than half of what the load grew.",
        labels=labels,
    )
    required = GaugeMetricFamily("loadtest_capacity_required", "The load that had to hold.", labels=labels)
    for (namespace, test), view in views.items():
        capacity = view.capacity
        if capacity is None:
            continue
        values = [namespace, test, capacity.by]
        at_least.add_metric(values, float(capacity.at_least))
        for family, figure in ((held, capacity.held), (knee, capacity.knee), (required, capacity.required)):
            if figure is not None:
                family.add_metric(values, figure)
    return (held, at_least, knee, required)


def cumulative_buckets(sketch: Sketch, bounds_seconds: tuple[float, ...]) -> list[tuple[str, float]]:
    """The sketch as a Prometheus histogram: how many values lie at or below each bound, and in all."""
    gamma = GAMMA ** (2**sketch.coarseness)
    ordered = sorted((2 * gamma**bucket / (gamma + 1), count) for bucket, count in sketch.buckets.items())
    buckets, position, count_so_far = [], 0, sketch.underflow
    for bound in bounds_seconds:
        while position < len(ordered) and ordered[position][0] <= bound:
            count_so_far += ordered[position][1]
            position += 1
        buckets.append((str(bound), float(count_so_far)))
    return [*buckets, ("+Inf", float(sketch.count))]
