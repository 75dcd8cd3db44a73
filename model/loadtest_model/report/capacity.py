"""How much the target can take, as the status, the summary and people have it."""

from typing import Annotated, Final

from msgspec import Meta, Struct

from loadtest_model.judgement.capacity import CapacityFinding, CapacityLimit
from loadtest_model.judgement.climb import JudgedPlateau, PlateauState
from loadtest_model.plan.climb import load_text
from loadtest_model.quantities import clip, count_text
from loadtest_model.report.figures import Times, times_of
from loadtest_model.spec.capacity import ClimbBy
from loadtest_model.values import WireValue

LIMIT_LENGTH: Final = 512


class StatusCapacity(WireValue, frozen=True, kw_only=True):
    """What a climb came to, so far or in all. `uploads_per_second` and `records_per_second` are those at `held`.

    All loads are in the unit of `by`. If nothing held, `held` is absent.
    """

    by: Annotated[ClimbBy, Meta(description="The unit of the loads: virtual users, or uploads due a second.")]
    held: Annotated[float | None, Meta(description="The highest load that held every threshold.")] = None
    at_least: Annotated[
        bool,
        Meta(
            description="True if the target may carry more than `held`: it was not the limit itself, or a load above"
            " `held` was not steady."
        ),
    ] = False
    uploads_per_second: Annotated[
        float | None, Meta(description="Uploads that the target confirmed a second at `held`.")
    ] = None
    records_per_second: Annotated[
        float | None, Meta(description="Records that the target confirmed a second at `held`.")
    ] = None
    limited_by: Annotated[
        CapacityLimit | None,
        Meta(
            description="What ended the climb: Threshold or Target (the target itself), Generator, Samples (too few"
            " uploads, or too unsteady ones), Ladder (its highest load held) or Stopped. Absent while it goes on."
        ),
    ] = None
    limit: Annotated[str, Meta(max_length=LIMIT_LENGTH, description="The same in a sentence, with the figures.")] = ""
    knee: Annotated[
        float | None,
        Meta(description="The load from which on throughput grew by less than half of what the load grew."),
    ] = None
    knee_in_doubt: Annotated[bool, Meta(description="True if chance may explain the knee.")] = False
    required: Annotated[float | None, Meta(description="The load that had to hold.")] = None
    notice: Annotated[
        str,
        Meta(
            max_length=LIMIT_LENGTH,
            description="What lowers the worth of the climb, such as plateaus that are short beside a threshold, or a"
            " knee below its lowest load.",
        ),
    ] = ""


class CapacityPlateau(Struct, frozen=True, kw_only=True):
    """One plateau of a climb: its load, what it came to, and what was measured of the uploads that began on it.

    Rates are of what the target confirmed within the plateau's time.
    """

    load: float
    state: PlateauState
    uploads: int
    uploads_per_second: float
    records_per_second: float
    error_rate: float | None
    response_time_seconds: Times


class CapacitySummary(Struct, frozen=True, kw_only=True):
    """What a climb came to. `held` is the highest load that held, and None if none did.

    The target can take `at_least` this unless it was the limit itself. `limit` is a sentence on what ended the climb.
    `knee` is the load from which on throughput grew by less than half of what the load grew. All loads are in the unit
    of `by`. `notice` says what lowers the worth of the climb.
    """

    by: ClimbBy
    held: float | None
    at_least: bool
    uploads_per_second: float | None
    records_per_second: float | None
    limited_by: CapacityLimit | None
    limit: Annotated[str, Meta(max_length=LIMIT_LENGTH)]
    knee: float | None
    knee_in_doubt: bool
    required: float | None
    plateaus: tuple[CapacityPlateau, ...] = ()
    notice: Annotated[str, Meta(max_length=LIMIT_LENGTH)] = ""


def capacity_summary(finding: CapacityFinding | None) -> CapacitySummary | None:
    """The finding of a climb with its plateaus; None of a test of another scenario."""
    if finding is None:
        return None
    held, knee = finding.held, finding.knee
    return CapacitySummary(
        by=finding.by,
        held=held.level if held else None,
        at_least=finding.is_at_least,
        uploads_per_second=round(held.uploads_per_second, 3) if held else None,
        records_per_second=round(held.records_per_second, 1) if held else None,
        limited_by=finding.limit,
        limit=clip(finding.text, LIMIT_LENGTH),
        knee=knee.level if knee else None,
        knee_in_doubt=knee.is_in_doubt if knee else False,
        required=finding.required,
        plateaus=tuple(map(_plateau, finding.plateaus)),
        notice=clip("; ".join(finding.notices), LIMIT_LENGTH),
    )


def _plateau(plateau: JudgedPlateau) -> CapacityPlateau:
    measured = plateau.aggregate
    return CapacityPlateau(
        load=plateau.level,
        state=plateau.state,
        uploads=measured.judged.due,
        uploads_per_second=round(plateau.uploads_per_second, 3),
        records_per_second=round(plateau.records_per_second, 1),
        error_rate=measured.judged.error_rate,
        response_time_seconds=times_of(measured.response, measured.censored.response),
    )


def status_capacity(summary: CapacitySummary | None) -> StatusCapacity | None:
    """The same without the plateaus, for which a status has no room."""
    if summary is None:
        return None
    return StatusCapacity(**{name: getattr(summary, name) for name in StatusCapacity.__struct_fields__})


def capacity_lines(capacity: CapacitySummary | StatusCapacity) -> tuple[str, ...]:
    """What the target can take, what limited it, and the knee: each in a line that begins without a capital."""
    by = capacity.by
    if capacity.held is None:
        lines = ["no load of the climb is known to hold" if capacity.at_least else "no load of the climb held"]
    else:
        rates = f"{capacity.uploads_per_second or 0:,.4g} uploads/s, {capacity.records_per_second or 0:,.0f} records/s"
        lines = [f"{'at least ' if capacity.at_least else ''}{load_text(capacity.held, by)} held: {rates}"]
    if capacity.limit:
        lines.append(f"limited by the {_LIMIT_WORDS[capacity.limited_by]}: {capacity.limit}")
    if capacity.knee is not None:
        doubt = ", which may be chance" if capacity.knee_in_doubt else ""
        lines.append(f"throughput hardly grows above {load_text(capacity.knee, by)} (the knee){doubt}")
    if capacity.required is not None:
        is_reached = capacity.held is not None and capacity.held >= capacity.required
        reached = "held" if is_reached else "is not known to hold" if capacity.at_least else "did not hold"
        lines.append(f"the required load of {load_text(capacity.required, by)} {reached}")
    if capacity.notice:
        lines.append(capacity.notice)
    return tuple(lines)


_LIMIT_WORDS: Final = {
    CapacityLimit.THRESHOLD: "target",
    CapacityLimit.TARGET: "target",
    CapacityLimit.GENERATOR: "generator",
    CapacityLimit.SAMPLES: "number of uploads",
    CapacityLimit.LADDER: "test",
    CapacityLimit.STOPPED: "test",
    None: "test",
}


def capacity_column(capacity: StatusCapacity) -> str:
    """The highest load that held, for a narrow column: `14 VUs`, `>=30 VUs`, `14.7/s`."""
    if capacity.held is None:
        return ""
    sign = ">=" if capacity.at_least else ""
    if capacity.by is ClimbBy.ARRIVAL_RATE:
        return f"{sign}{capacity.held:g}/s"
    return f"{sign}{count_text(int(capacity.held), 'VU')}"
