"""Prometheus metrics: of every test, from its merged measurements, and of the operator itself."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.counts import Counts
from loadtest_model.measurement.outcomes import ErrorKind, Outcome
from loadtest_model.measurement.sketch import GAMMA, Sketch
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.report.status import Status
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_model.values import NANOSECONDS
from loadtest_operator.decide import Decision
from loadtest_operator.facts.observation import Observation

RESPONSE_BOUNDS_SECONDS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
)  # fmt: skip
_OUTCOMES: Final = tuple(str(outcome) for outcome in Outcome)
_NO_ERRORS: Final[Mapping[ErrorKind, int]] = dict.fromkeys(ErrorKind, 0)


@dataclass(frozen=True)
class StepView:
    name: str
    total: Counts
    errors: Mapping[ErrorKind, int]
    response: Sketch | None


@dataclass(frozen=True)
class RunView:
    """What is shown of one test. `virtual_users` are at work in the step `step`."""

    uid: str
    run_id: str
    verdict: str | None = None
    never_loaded: bool = False
    health: str | None = None
    step: str = ""
    virtual_users: int = 0
    thresholds: tuple[ThresholdResult, ...] = ()
    steps: tuple[StepView, ...] = field(default_factory=tuple)


class RunMetrics:
    """A collector over the latest view of each test; a forgotten test's series are gone with the next scrape."""

    def __init__(self) -> None:
        self._views: dict[tuple[str, str], RunView] = {}

    def show(self, observation: Observation, decision: Decision) -> None:
        """Take over what a turn found. An ended test keeps what was shown last, or is shown from its status."""
        identity = observation.test.identity
        key = (identity.namespace, identity.name)
        previous = self._views.get(key)
        if previous is not None and (previous.uid, previous.run_id) != (identity.uid, observation.run_id):
            previous = None
        if decision.status is not None:
            view = _live_view(observation, decision.status, decision.plan, decision.aggregate)
            self._views[key] = replace(
                view,
                steps=_monotonic_steps(
                    view,
                    previous,
                    has_begun=observation.test.record.start is not None,
                    all_heard=_has_every_snapshot(observation, decision),
                ),
            )
        elif previous is None:
            self._views[key] = _recorded_view(observation)

    def forget(self, namespace: str, name: str) -> None:
        """Show a test no longer."""
        self._views.pop((namespace, name), None)

    def collect(self) -> Iterator[Metric]:
        """The metric families, as prometheus_client asks for them."""
        yield from _step_families(self._views)
        yield from _response_families(self._views)
        yield from _test_families(self._views)


def _has_every_snapshot(observation: Observation, decision: Decision) -> bool:
    """Whether what every pod of the run measured is in the aggregate."""
    snapshots = sum(pod.snapshot is not None for pod in observation.pods)
    return decision.plan is None or snapshots >= decision.plan.parallelism


def _monotonic_steps(
    view: RunView, previous: RunView | None, *, has_begun: bool, all_heard: bool
) -> tuple[StepView, ...]:
    """The steps to show: a counter that went back would be taken for one that began anew, and counted twice.

    An operator that was restarted under load hears of its pods one by one; until it has heard all, it shows no counts.
    """
    before = previous.steps if previous is not None else ()
    if view.verdict is None and has_begun and not all_heard and not before:
        return ()
    is_less = any(_due_uploads(now) < _due_uploads(then) for now, then in zip(view.steps, before, strict=False))
    return before if is_less or len(view.steps) < len(before) else view.steps


def _due_uploads(step: StepView) -> int:
    return step.total.due


class OperatorMetrics:
    """Of the operator itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.at_work = Gauge(
            "loadtest_operator_at_work",
            "1 for the operator that is at work, 0 while it waits to take over.",
            registry=registry,
        )
        self.queue_depth = Gauge(
            "loadtest_operator_queue_depth", "LoadTests that wait for a turn or have one.", registry=registry
        )
        self.reconcile_seconds = Histogram(
            "loadtest_operator_reconcile_seconds", "Length of one turn for one LoadTest.", registry=registry
        )
        self.reconcile_errors = Counter(
            "loadtest_operator_reconcile_errors", "Turns that failed and were put off.", registry=registry
        )
        self.scrape_failures = Counter(
            "loadtest_operator_scrape_failures",
            "Unanswered readings of a pod that had answered before.",
            registry=registry,
        )
        self.api_requests = Counter(
            "loadtest_operator_api_requests",
            "Requests to the API server, by verb and by the code of the answer (0: there was none).",
            ["verb", "code"],
            registry=registry,
        )

    def count_answer(self, verb: str, code: int) -> None:
        """Count a request to the API server."""
        self.api_requests.labels(verb, str(code)).inc()


Json = dict[str, Any]
Views = dict[tuple[str, str], RunView]


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


def _test_families(views: Views) -> Iterable[Metric]:
    labels = ["namespace", "test"]
    users = GaugeMetricFamily("loadtest_virtual_users", "Virtual users that run now.", labels=[*labels, "step"])
    value = GaugeMetricFamily(
        "loadtest_threshold_value",
        "Measured value beside a threshold, in seconds, as a ratio or as a number.",
        labels=[*labels, "step", "threshold"],
    )
    threshold_passed = GaugeMetricFamily(
        "loadtest_threshold_passed", "1 while a threshold holds, else 0.", labels=[*labels, "step", "threshold"]
    )
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
        for step in view.steps:
            users.add_metric([*values, step.name], view.virtual_users if step.name == view.step else 0)
        for result in view.thresholds:
            if result.value is not None:
                value.add_metric([*values, result.step, result.expression], result.value)
            if result.passed is not None:
                threshold_passed.add_metric([*values, result.step, result.expression], float(result.passed))
        if view.verdict is not None:
            for name in Verdict:
                verdict.add_metric([*values, name], float(view.verdict == name))
            never_loaded.add_metric(values, float(view.never_loaded))
        if view.health is not None:
            for level in HealthLevel:
                health.add_metric([*values, level], float(view.health == level))
    return (users, value, threshold_passed, verdict, never_loaded, health)


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


def _live_view(observation: Observation, status: Status, plan: Plan | None, aggregate: Aggregate) -> RunView:
    return RunView(
        uid=observation.test.identity.uid,
        run_id=observation.run_id,
        verdict=status.verdict,
        never_loaded=status.reason_class not in (None, ReasonClass.LOAD),
        health=status.health.level if status.health else None,
        step=status.progress.step if status.progress else "",
        virtual_users=aggregate.virtual_users if status.verdict is None else 0,
        thresholds=status.thresholds,
        steps=step_views(plan, aggregate) if plan else (),
    )


def step_views(plan: Plan, aggregate: Aggregate) -> tuple[StepView, ...]:
    """Every step of a plan, with zeros for what nobody has measured yet.

    The rate of a counter that begins with its first upload would miss that upload.
    """
    steps = (*aggregate.steps, *repeat(StepAggregate(step=0), len(plan.steps) - len(aggregate.steps)))
    return tuple(_step_view(step_plan.name, step) for step_plan, step in zip(plan.steps, steps, strict=False))


def _step_view(name: str, step: StepAggregate) -> StepView:
    return StepView(name, step.total, {**_NO_ERRORS, **step.errors}, step.response)


def _recorded_view(observation: Observation) -> RunView:
    """What the status of an ended test still tells; its histograms are not kept there."""
    status = observation.test.status
    return RunView(
        uid=observation.test.identity.uid,
        run_id=observation.run_id,
        verdict=status.get("verdict"),
        never_loaded=status.get("reasonClass", ReasonClass.LOAD) != ReasonClass.LOAD,
        health=(status.get("health") or {}).get("level"),
        thresholds=tuple(_recorded_threshold(entry) for entry in status.get("thresholds") or []),
        steps=tuple(_recorded_step(entry) for entry in _recorded_steps(status)),
    )


# A value that was null is absent from what the API server gives back.


def _recorded_threshold(entry: Json) -> ThresholdResult:
    return ThresholdResult(
        expression=entry["expression"],
        value=entry.get("value"),
        passed=entry.get("passed"),
        step=entry.get("step", ""),
    )


def _recorded_steps(status: Json) -> list[Json]:
    """What the steps came to; of a single one that is what the whole run came to."""
    summary = status.get("summary") or {}
    steps: list[Json] = status.get("steps") or []
    if all("requests" in step for step in steps) and steps:
        return steps
    # Version 0.1.0 kept them in the summary.
    old_steps: list[Json] = summary.get("steps") or []
    if old_steps or "requests" not in summary:
        return old_steps
    return [{**summary, "name": (status.get("progress") or {}).get("step", "")}]


def _recorded_step(entry: Json) -> StepView:
    records = entry["records"]
    counts = Counts(records_sent=records["sent"], records_confirmed=records["confirmed"], **entry["requests"])
    return StepView(entry["name"], counts, entry.get("errors") or {}, None)
