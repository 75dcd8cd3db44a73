"""What is known of a run from the messages of its generator, as the view of a page."""

from loadgen.live.messages import Ending, Look, Opening
from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts
from loadtest_model.measurement.aggregate import aggregate_of
from loadtest_model.measurement.timeline import Timeline, with_series
from loadtest_model.pages.live.head import Standing
from loadtest_model.pages.live.run import LoadFigures, StatusFigures, load_view, report_view, status_view
from loadtest_model.pages.live.view import LiveView
from loadtest_model.quantities import count_text
from loadtest_model.report.progress import progress_of
from loadtest_model.report.status import Phase
from loadtest_model.report.summary import proof_of, summarize, with_origin
from loadtest_model.report.time_series import series_rows
from loadtest_model.secrecy import public_url


class RunSoFar:
    """A run, message by message."""

    def __init__(self, opening: Opening) -> None:
        self._plan = opening.plan
        self._manifest = opening.manifest
        self._timeline = Timeline()
        self._look: Look | None = None
        self._ending: Ending | None = None

    def take(self, message: Look | Ending) -> None:
        """Take in what the generator tells."""
        if isinstance(message, Ending):
            self._ending = message
            return
        self._timeline.add_snapshot(message.snapshot)
        self._look = message

    def view(self) -> LiveView:
        """The page as the run stands."""
        if self._ending is not None:
            return report_view(self._ending.summary, self._ending.rows, is_final=True)
        look = self._look
        if look is None or look.started_at is None:
            return self._view_before_load(look)
        return self._view_under_load(look, look.started_at)

    def _view_before_load(self, look: Look | None) -> LiveView:
        report = look.snapshot.verification if look is not None else None
        proof = proof_of(report) if report is not None and report.is_proven else None
        return status_view(self._standing(look), StatusFigures(proof=proof, steps=self._plan.steps))

    def _view_under_load(self, look: Look, started_at: str) -> LiveView:
        plan = self._plan
        series = self._timeline.series([look.snapshot.pod_uid])
        aggregate = with_series(aggregate_of(look.snapshot), series)
        judgement = judge(Facts(plan=plan, aggregate=aggregate))
        summary = summarize(plan, aggregate, judgement, look.snapshot.verification, started_at)
        summary = with_origin(summary, plan, [look.snapshot], self._manifest)
        figures = LoadFigures(
            summary=summary, rows=series_rows(plan, aggregate, started_at), progress=progress_of(plan, aggregate)
        )
        return load_view(self._standing(look), figures)

    def _standing(self, look: Look | None) -> Standing:
        plan = self._plan
        users = count_text(max(step.virtual_users for step in plan.steps), "virtual user")
        return Standing(
            name=plan.name,
            phase=look.phase if look is not None else Phase.STARTING,
            message=look.message if look is not None else "",
            scenario=plan.scenario,
            target=public_url(plan.target.url),
            since=(look.started_at or "") if look is not None else "",
            load=f"up to {users}",
        )
