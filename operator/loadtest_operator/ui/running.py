"""What the reconciler found of each test last, for those who look at its page while it runs."""

from dataclasses import dataclass, replace

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.pages.live.run import LoadFigures
from loadtest_model.plan import Plan
from loadtest_model.report.manifest import manifest_text
from loadtest_model.report.progress import progress_of
from loadtest_model.report.status import Phase, Status
from loadtest_model.report.summary import summarize, with_origin
from loadtest_model.report.time_series import series_rows
from loadtest_model.secrecy import public_url
from loadtest_operator.decide import Decision
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.facts.observation import Observation
from loadtest_operator.observe.memory import Key
from loadtest_operator.ui.shown_test import ShownTest

_MOST_ROWS = 1_800
"""From how many rows at most the course is drawn: it has fewer pieces than that by far."""


@dataclass(frozen=True)
class Turn:
    """What one turn found of a test that has not ended."""

    observation: Observation
    status: Status
    plan: Plan | None
    aggregate: Aggregate | None

    @property
    def is_under_load(self) -> bool:
        return self.aggregate is not None and any(step.load_seconds > 0 for step in self.aggregate.steps)

    def shown(self) -> ShownTest:
        """The test with the status of this turn."""
        test = self.observation.test
        return ShownTest(
            namespace=test.identity.namespace,
            name=test.identity.name,
            uid=test.identity.uid,
            created_at=test.created_at,
            scenario=str(test.spec.scenario) if test.spec is not None else "",
            target=public_url(test.spec.target.url) if test.spec is not None else "",
            status=self.status,
            has_status=True,
        )


class Turns:
    """The last turn of each test that has not ended. It may be lost at any moment.

    `are_made_here` is false while another replica is the one at work.
    """

    def __init__(self) -> None:
        self._turns: dict[Key, Turn] = {}
        self.are_made_here = False

    def show(self, observation: Observation, decision: Decision) -> None:
        """Take over what a turn found. A turn without a status found nothing new."""
        identity = observation.test.identity
        key = (identity.namespace, identity.name)
        status = decision.status
        if status is None:
            return
        if status.phase is Phase.COMPLETED:
            self._turns.pop(key, None)
        else:
            self._turns[key] = Turn(observation, status, decision.plan, decision.aggregate)

    def forget(self, key: Key) -> None:
        """There is no such test any more."""
        self._turns.pop(key, None)

    def last(self, key: Key) -> Turn | None:
        return self._turns.get(key)


def load_figures(turn: Turn) -> LoadFigures | None:
    """What is measured so far; None before the load. It takes a while for a large fleet: for a thread."""
    plan, aggregate = turn.plan, turn.aggregate
    if plan is None or aggregate is None or not turn.is_under_load:
        return None
    observation, status = turn.observation, turn.status
    fleet = Fleet(plan, observation.pods, 0.0)
    judgement = judge(Facts(plan=plan, aggregate=aggregate, target=status.target))
    if status.health is not None:
        judgement = replace(judgement, health=status.health, thresholds=status.thresholds)
    summary = summarize(plan, aggregate, judgement, fleet.proof, status.started_at, status.target)
    spec = observation.test.spec
    summary = with_origin(summary, plan, fleet.snapshots, manifest_text(plan.name, spec) if spec else "")
    seconds = sum(len(step.seconds) for step in aggregate.steps)
    row_seconds = -(-seconds // _MOST_ROWS) or 1
    rows = series_rows(plan, aggregate, status.started_at, row_seconds)
    return LoadFigures(summary=summary, rows=rows, progress=progress_of(plan, aggregate))
