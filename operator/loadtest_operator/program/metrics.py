"""Prometheus metrics: of every test, from its merged measurements, and of the operator itself."""

from collections.abc import Iterator
from dataclasses import replace

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric

from loadtest_operator.decide import Decision
from loadtest_operator.facts.observation import Observation
from loadtest_operator.program.run_families import run_families
from loadtest_operator.program.run_views import RunView, StepView, live_view, recorded_view


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
            view = live_view(observation, decision.status, decision.plan, decision.aggregate)
            self._views[key] = replace(
                view,
                generator=view.generator or (previous.generator if previous is not None else None),
                steps=_monotonic_steps(
                    view,
                    previous,
                    has_begun=observation.test.record.start is not None,
                    all_heard=_has_every_snapshot(observation, decision),
                ),
            )
        elif previous is None:
            self._views[key] = recorded_view(observation)

    def forget(self, namespace: str, name: str) -> None:
        """Show a test no longer."""
        self._views.pop((namespace, name), None)

    def collect(self) -> Iterator[Metric]:
        """The metric families, as prometheus_client asks for them."""
        yield from run_families(self._views)


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
        self.messages = Counter(
            "loadtest_operator_messages",
            "Messages about the ends of runs that were sent or given up, by state (Sent, Failed).",
            ["state"],
            registry=registry,
        )
        self.archiving = Counter(
            "loadtest_operator_archiving",
            "Attempts to archive the results of a run, by what became of them (Archived, Failed).",
            ["state"],
            registry=registry,
        )
        self.api_requests = Counter(
            "loadtest_operator_api_requests",
            "Requests to the API server, by verb and by the code of the answer (0: there was none).",
            ["verb", "code"],
            registry=registry,
        )

    def count_archiving(self, state: str) -> None:
        """Count an attempt to archive results."""
        self.archiving.labels(state).inc()

    def count_message(self, state: str) -> None:
        """Count a message that was sent or given up."""
        self.messages.labels(state).inc()

    def count_answer(self, verb: str, code: int) -> None:
        """Count a request to the API server."""
        self.api_requests.labels(verb, str(code)).inc()
