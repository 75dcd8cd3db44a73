"""What is shown while a local run runs: frames for a terminal, lines for a log.

`interruptions` is how often the run was interrupted: 0, 1 (what is in flight is finished) or 2 (it is cut).
"""

from typing import Final

from loadtest_model.quantities import count_text, seconds_text, span_text
from loadtest_model.report.progress import RunProgress

BAR_CELLS: Final = 30
FULL, EMPTY = "━", "╌"
PLAIN_FULL, PLAIN_EMPTY = "#", "."


def progress_frame(progress: RunProgress, interruptions: int = 0, *, unicode: bool = True) -> tuple[str, ...]:
    """The view of one instant, line by line, without colours; no line is wider than 79 characters."""
    bar = bar_text(progress.share, unicode=unicode)
    return (
        f"{bar} {progress.share:4.0%}  {_elapsed_text(progress)}  {_place(progress)}",
        _join_figures(_load(progress)),
        _join_figures(_answers(progress)),
        _note(progress, interruptions),
    )


def bar_text(share: float, *, unicode: bool) -> str:
    """A bar that is full to the share."""
    full, empty = (FULL, EMPTY) if unicode else (PLAIN_FULL, PLAIN_EMPTY)
    full_cells = int(min(1.0, max(0.0, share)) * BAR_CELLS)
    return full * full_cells + empty * (BAR_CELLS - full_cells)


def progress_line(progress: RunProgress, interruptions: int = 0) -> str:
    """The same in one line, for a log."""
    figures = _join_figures(_load(progress) + _answers(progress))
    note = _note(progress, interruptions)
    note_text = f"  ({note})" if note else ""
    return f"{_elapsed_text(progress):>13}  {progress.share:4.0%}  {_place(progress)}  {figures}{note_text}"


def _elapsed_text(progress: RunProgress) -> str:
    elapsed_text = span_text(int(progress.elapsed_seconds))
    return elapsed_text if progress.is_foreseen else f"{elapsed_text}/{span_text(progress.total_seconds)}"


def _place(progress: RunProgress) -> str:
    step = f"{progress.step} ({progress.step_number} of {progress.steps})" if progress.steps > 1 else progress.step
    return f"{step}, stage {progress.stage_number} of {progress.stages}" if progress.stages > 1 else step


def _load(progress: RunProgress) -> tuple[str, ...]:
    return (
        f"VUs {progress.virtual_users}",
        f"in flight {progress.in_flight}",
        f"records {progress.records_confirmed:,}",
        f"records/s {progress.records_per_second:,.0f}",
    )


def _answers(progress: RunProgress) -> tuple[str, ...]:
    return (
        f"p95 {seconds_text(progress.p95_seconds)}",
        f"errors {progress.errors:,} ({progress.error_rate or 0.0:.2%})",
    )


def _join_figures(figures: tuple[str, ...]) -> str:
    return "  ".join(figures)


def _note(progress: RunProgress, interruptions: int) -> str:
    uploads = count_text(progress.in_flight, "upload")
    if interruptions == 2:
        return "stopping at once"
    if interruptions:
        return f"stopping: {uploads} in flight may finish; Ctrl-C again cuts them"
    return f"the load is over: waiting for {uploads} in flight" if progress.is_draining else ""
