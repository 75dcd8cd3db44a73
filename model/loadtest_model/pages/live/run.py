"""The page of one test: while it runs, what is measured so far, and at its end the report."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from loadtest_model.judgement.health import Health
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.pages.background import manifest_section
from loadtest_model.pages.capacity import capacity_section
from loadtest_model.pages.course import course_section
from loadtest_model.pages.distribution import distribution_section
from loadtest_model.pages.elements import Element, element, sentence
from loadtest_model.pages.health import diagnoses_section, health_section, only_step_name
from loadtest_model.pages.icons import VERDICT_TONES, Tone
from loadtest_model.pages.live.head import LoadProgress, Standing, standing_section
from loadtest_model.pages.live.view import LiveView, parts_of
from loadtest_model.pages.plateaus import plateaus_section, steps_section
from loadtest_model.pages.proof import proof_section
from loadtest_model.pages.report_page import report_sections, report_title
from loadtest_model.pages.sections import section
from loadtest_model.pages.slowest import slowest_section
from loadtest_model.pages.spread import spread_section
from loadtest_model.pages.target import target_section
from loadtest_model.pages.thresholds import thresholds_section
from loadtest_model.pages.verdict import load_text
from loadtest_model.plan import Step
from loadtest_model.quantities import count_text, seconds_text, span_text
from loadtest_model.report.progress import RunProgress
from loadtest_model.report.status import PlannedStep, StatusProgress
from loadtest_model.report.summary import Proof, Summary
from loadtest_model.report.time_series import SeriesRow
from loadtest_model.thresholds.bounds import ThresholdResult

COURSE_PIECES: Final = 120
"""How finely the course is drawn while it grows: it is sent again with every look."""


@dataclass(frozen=True, kw_only=True)
class LoadFigures:
    """What is measured so far of a load that runs; no verdict is read from the summary."""

    summary: Summary
    rows: Sequence[SeriesRow]
    progress: RunProgress


@dataclass(frozen=True, kw_only=True)
class StatusFigures:
    """What the status says of a test whose measurements are not at hand."""

    progress: StatusProgress | None = None
    thresholds: tuple[ThresholdResult, ...] = ()
    health: Health | None = None
    proof: Proof | None = None
    steps: tuple[PlannedStep | Step, ...] = ()


def load_view(standing: Standing, figures: LoadFigures) -> LiveView:
    """A test under load: all that a report will have, as it stands so far."""
    summary = figures.summary
    # The newest second is still being counted.
    settled_rows = figures.rows[:-1]
    standing = replace(
        standing, progress=LoadProgress.of_run(figures.progress), load=load_text(summary) or standing.load
    )
    return _view(
        standing,
        [
            figures_section(tuple(_figures_of_load(summary, figures.progress))),
            _judgement(
                summary.thresholds,
                proof_section(summary.verification, summary.requests.violation),
                health_section(summary.health, only_step_name(summary), is_final=False),
            ),
            diagnoses_section(summary),
            capacity_section(summary, is_final=False),
            course_section(summary, settled_rows, COURSE_PIECES, _axis_seconds(figures.progress)),
            steps_section(summary, is_final=False),
            distribution_section(summary),
            plateaus_section(_without_levels_to_come(summary, settled_rows)),
            spread_section(summary),
            slowest_section(summary),
            target_section(summary),
            manifest_section(summary),
        ],
    )


def status_view(standing: Standing, figures: StatusFigures) -> LiveView:
    """A test before its load, or one of which only the status is at hand."""
    progress, is_final = figures.progress, standing.verdict is not None
    if progress is not None:
        standing = replace(standing, progress=LoadProgress.of_status(progress, len(figures.steps)))
    return _view(
        standing,
        [
            figures_section(tuple(_figures_of_status(progress))) if progress is not None else None,
            _judgement(
                figures.thresholds,
                proof_section(figures.proof) if figures.proof is not None else None,
                health_section(figures.health, is_final=is_final),
                is_final=is_final,
            )
            if figures.thresholds or figures.proof
            else None,
            plan_section(figures.steps) if figures.steps and not is_final else None,
        ],
    )


def report_view(
    summary: Summary, rows: Sequence[SeriesRow], *, is_final: bool, remark: Element | None = None
) -> LiveView:
    """A test that has ended: its report. `remark` stands below the head."""
    sections = list(report_sections(summary, rows))
    if remark is not None:
        sections.insert(1, remark)
    return LiveView(report_title(summary), VERDICT_TONES[summary.verdict], parts_of(sections), is_final=is_final)


def figures_section(figures: Sequence[tuple[str, str, str]]) -> Element:
    """Figures as tiles: a name, a value and a remark."""
    tiles = [
        element("div", element("dt", name), element("dd", value), element("dd", remark, class_="remark"))
        for name, value, remark in figures
    ]
    return element("section", element("dl", tiles), id="figures", class_="key-figures", aria_label="Key figures so far")


def plan_section(steps: Sequence[PlannedStep | Step]) -> Element:
    """What the test is going to do."""
    entries = [
        element(
            "li",
            element("b", step.name),
            f": {span_text(step.duration_seconds)}, up to {count_text(step.virtual_users, 'virtual user')},"
            f" {count_text(step.batch_size, 'record')} in a batch. Thresholds: {', '.join(step.thresholds) or 'none'}.",
        )
        for step in steps
    ]
    return section("plan", "What is planned", element("ul", entries, class_="remarks"))


def missing_view(name: str) -> LiveView:
    """The page of a test that is not there, or not any more."""
    message = f"There is no LoadTest {name}, or it was deleted. If it is made, this page shows it."
    content = element(
        "section",
        element("h1", "Not found", class_="title"),
        element("p", message, class_="counts"),
        id="missing",
        aria_label="Not found",
    )
    return LiveView(f"Not found: {name}", Tone.QUIET, parts_of([content]), is_missing=True)


def with_notice(view: LiveView, text: str) -> LiveView:
    """A view with a sentence above everything else."""
    notice = element("p", sentence(text), id="notice", class_="alert", role="status")
    return replace(view, parts=parts_of([notice]) + tuple(part for part in view.parts if part.id != "notice"))


def _view(standing: Standing, sections: list[Element | None]) -> LiveView:
    progress = standing.progress
    share = f" {progress.share:.0%}" if progress is not None and standing.verdict is None else ""
    return LiveView(
        f"{standing.verdict or standing.phase}{share}: {standing.name}",
        standing.tone,
        parts_of([standing_section(standing), *sections]),
    )


def _judgement(
    thresholds: tuple[ThresholdResult, ...], proof: Element | None, health: Element | None, *, is_final: bool = False
) -> Element:
    return element(
        "div",
        thresholds_section(thresholds, is_final=is_final),
        element("div", proof, health, class_="assurances"),
        id="judgement",
        class_="judgement",
    )


def _axis_seconds(progress: RunProgress) -> float:
    """How long the run will be; how long it is so far if that is only foreseen, so that the axis does not jump."""
    return max(1.0, progress.elapsed_seconds if progress.is_foreseen else progress.total_seconds)


def _without_levels_to_come(summary: Summary, rows: Sequence[SeriesRow]) -> Summary:
    """The summary without the plateaus that are not over: their rates would count seconds that are still to come."""
    ends = {row.step: row.second + row.seconds for row in rows}
    steps = [
        structs.replace(
            step, plateaus=tuple(plateau for plateau in step.plateaus if plateau.end <= ends.get(step.name, 0))
        )
        for step in summary.steps
    ]
    return structs.replace(summary, steps=tuple(steps))


def _figures_of_load(summary: Summary, progress: RunProgress) -> Iterator[tuple[str, str, str]]:
    requests, times, rates = summary.requests, summary.response_time_seconds, summary.throughput
    yield "Records per second", f"{progress.records_per_second:,.0f}", f"{rates.records_per_second:,.0f} on the whole"
    yield "Response time p95", seconds_text(times.p95), f"median {seconds_text(times.p50)}"
    yield "Slowest answer", seconds_text(times.max), f"average {seconds_text(times.avg)}"
    # What is in flight has no outcome yet.
    failures = requests.rejected + requests.unknown + requests.violation + requests.dropped
    failures -= summary.errors.get(ErrorKind.CANCELLED, 0)
    rate = "-" if summary.error_rate is None else f"{summary.error_rate:.2%}"
    yield "Error rate", rate, "no upload failed" if failures <= 0 else f"{failures:,} not accepted"
    yield "Uploads accepted", f"{requests.accepted:,}", f"{summary.records.confirmed:,} records"
    yield "Virtual users", f"{progress.virtual_users:,}", f"{progress.in_flight:,} in flight"


def _figures_of_status(progress: StatusProgress) -> Iterator[tuple[str, str, str]]:
    yield "Records per second", f"{progress.records_per_second:,.0f}", "in the last ten seconds"
    yield "Response time p95", seconds_text(progress.p95_seconds), "of the current step"
    rate = "-" if progress.error_rate is None else f"{progress.error_rate:.2%}"
    yield "Error rate", rate, "no upload failed" if not progress.errors else f"{progress.errors:,} failed"
    yield "Records confirmed", f"{progress.records_confirmed:,}", ""
    yield "Virtual users", f"{progress.virtual_users:,}", ""
