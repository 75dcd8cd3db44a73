"""The rules between the parts of a spec, and the check of a spec against all rules."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from msgspec import inspect

from loadtest_model.reasons import Reason
from loadtest_model.spec import Scenario, Spec
from loadtest_model.spec.capacity import ClimbBy
from loadtest_model.spec.load import Load
from loadtest_model.spec.rules import Rule
from loadtest_model.spec.thresholds import BASELINE_WORD
from loadtest_model.spec.verification import Requirement
from loadtest_model.values import LONGEST_NANOSECONDS, nanoseconds_of


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that a spec breaks. `message` describes the fault: it is the rule's message, followed by the value if that
    is a scalar.
    """

    rule: Rule[Any]
    message: str


def broken_rules(spec: Spec) -> tuple[BrokenRule, ...]:
    """Every rule that a spec breaks. If there is none, the API server accepts the spec.

    The decoder has already checked types and bounds.
    """
    faults = (
        BrokenRule(rule, f"{rule.message}{_value_clause(value)}")
        for rule, value in applicable_rules(spec)
        if not rule.holds(value)
    )
    # The same fault in several entries of a list is reported once.
    return tuple({fault.message: fault for fault in faults}.values())


def applicable_rules(spec: Spec) -> Iterator[tuple[Rule[Any], Any]]:
    """Every rule that applies to a spec, together with the value that it applies to."""
    yield from ((rule, spec) for rule in SPEC_RULES)
    yield from _rules_within(_spec_type(), spec)


@cache
def _spec_type() -> inspect.Type:
    return inspect.type_info(Spec)


def _rules_within(kind: inspect.Type, value: Any) -> Iterator[tuple[Rule[Any], Any]]:
    """The rules on a value of this type and on the values inside it."""
    if value is None:
        return
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            yield from ((rule, value) for rule in (extra or {}).get("rules", ()))
            yield from _rules_within(inner, value)
        case inspect.UnionType(types=options):
            for option in options:
                yield from _rules_within(option, value)
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from _rules_within(field.type, getattr(value, field.name))
        case inspect.DictType(value_type=inner):
            for entry in value.values():
                yield from _rules_within(inner, entry)
        case inspect.ListType(item_type=inner):
            for entry in value:
                yield from _rules_within(inner, entry)


def _value_clause(value: Any) -> str:
    """The value as the end of a message. Only scalars are shown, and the password in a URL is masked."""
    if isinstance(value, str):
        return f"; it is {re.sub('//[^/@]*@', '//***@', value)!r}"
    return f"; it is {value}" if isinstance(value, int | float) else ""


def _is_open(load: Load) -> bool:
    """Whether the load has the open model."""
    if load.arrival_rate is not None or _climbs_by_rate(load):
        return True
    return load.stages is not None and all(stage.arrival_rate is not None for stage in load.stages)


def _climbs_by_rate(load: Load) -> bool:
    return load.capacity is not None and load.capacity.by is ClimbBy.ARRIVAL_RATE


def _rule_beside_climb(name: str, field: Callable[[Load], object], *exceptions: str) -> Rule[Spec]:
    """The rule that scenario capacity has no such field. Each field has its own, so that the API server names it."""
    conditions = ("self.scenario != 'capacity'", "!has(self.load)", f"!has(self.load.{name})", *exceptions)
    return Rule[Spec](
        cel=" || ".join(conditions),
        message="scenario capacity takes its load from spec.load.capacity, or from the defaults of that: remove"
        f" spec.load.{name}",
        holds=lambda spec: spec.scenario != Scenario.CAPACITY or field(spec.load) is None,
        reason=Reason.LoadContradicts,
    )


def _is_any_set(*fields: object) -> bool:
    return any(field is not None for field in fields)


def _conflicts_with_stages(load: Load) -> bool:
    """Whether a field of the load repeats or contradicts what the stages define."""
    users = load.virtual_users is not None and all(stage.virtual_users is not None for stage in load.stages or ())
    return users or _is_any_set(load.duration, load.records, load.arrival_rate)


def _graceful_stop_is_within(spec: Spec) -> bool:
    if spec.load.graceful_stop is None:
        return True
    return nanoseconds_of(spec.load.graceful_stop) <= nanoseconds_of(spec.target.timeout) <= LONGEST_NANOSECONDS


_CEL_CLIMBS_BY_RATE: Final = "(has(self.load.capacity) && self.load.capacity.by == 'arrivalRate')"

SPEC_RULES: Final = (
    Rule[Spec](
        cel="self.scenario != 'custom' || (has(self.load) && has(self.load.batchSize))",
        message="spec.load.batchSize is required for scenario custom, such as 1000",
        holds=lambda spec: spec.scenario != Scenario.CUSTOM or spec.load.batch_size is not None,
        reason=Reason.BatchSizeMissing,
    ),
    Rule[Spec](
        cel="self.scenario != 'custom' || (has(self.load) && (has(self.load.duration) || has(self.load.records)"
        " || has(self.load.stages)))",
        message="spec.load.duration, spec.load.records or spec.load.stages is required for scenario custom",
        holds=lambda spec: (
            spec.scenario != Scenario.CUSTOM or _is_any_set(spec.load.duration, spec.load.records, spec.load.stages)
        ),
        reason=Reason.DurationMissing,
    ),
    Rule[Spec](
        cel="!has(self.load) || !has(self.load.stages) || !(has(self.load.duration) || has(self.load.records)"
        " || has(self.load.arrivalRate)"
        " || (has(self.load.virtualUsers) && self.load.stages.all(s, has(s.virtualUsers))))",
        message="spec.load.stages cannot stand beside spec.load.duration, spec.load.records, spec.load.arrivalRate or,"
        " unless the stages are of arrival rates, spec.load.virtualUsers: the stages already say them",
        holds=lambda spec: spec.load.stages is None or not _conflicts_with_stages(spec.load),
        reason=Reason.LoadContradicts,
    ),
    Rule[Spec](
        cel="!has(self.load) || !has(self.load.records) || !(has(self.load.duration) || self.scenario == 'all')",
        message="spec.load.records stands instead of spec.load.duration, and not in scenario all",
        holds=lambda spec: spec.load.records is None or (spec.load.duration is None and spec.scenario != Scenario.ALL),
        reason=Reason.LoadContradicts,
    ),
    Rule[Spec](
        cel="!has(self.load) || !(has(self.load.arrivals) || has(self.load.maxLateness)) || has(self.load.arrivalRate)"
        f" || {_CEL_CLIMBS_BY_RATE}"
        " || (has(self.load.stages) && self.load.stages.all(s, has(s.arrivalRate)))",
        message="spec.load.arrivals and spec.load.maxLateness need spec.load.arrivalRate, or stages or a capacity with"
        " one",
        holds=lambda spec: _is_open(spec.load) or not _is_any_set(spec.load.arrivals, spec.load.max_lateness),
        reason=Reason.LoadContradicts,
    ),
    Rule[Spec](
        cel="!has(self.load) || !has(self.load.thinkTime) || duration(self.load.thinkTime) == duration('0s')"
        f" || !(has(self.load.arrivalRate) || {_CEL_CLIMBS_BY_RATE} || (has(self.load.stages)"
        " && self.load.stages.all(s, has(s.arrivalRate))))",
        message="spec.load.thinkTime cannot stand beside an arrival rate, which alone sets the pace",
        holds=lambda spec: nanoseconds_of(spec.load.think_time) == 0 or not _is_open(spec.load),
        reason=Reason.LoadContradicts,
    ),
    Rule[Spec](
        cel="!has(self.load) || !has(self.load.capacity) || self.scenario == 'capacity'",
        message="spec.load.capacity needs scenario capacity",
        holds=lambda spec: spec.load.capacity is None or spec.scenario == Scenario.CAPACITY,
        reason=Reason.LoadContradicts,
    ),
    _rule_beside_climb("duration", lambda load: load.duration),
    _rule_beside_climb("records", lambda load: load.records),
    _rule_beside_climb("stages", lambda load: load.stages),
    _rule_beside_climb("arrivalRate", lambda load: load.arrival_rate),
    _rule_beside_climb(
        "virtualUsers", lambda load: None if _climbs_by_rate(load) else load.virtual_users, _CEL_CLIMBS_BY_RATE
    ),
    Rule[Spec](
        cel="self.scenario != 'capacity' || !has(self.thresholds)"
        f" || !self.thresholds.exists(text, text.contains('{BASELINE_WORD}'))",
        message="spec.thresholds of scenario capacity cannot name the baseline: they say which plateau of the climb"
        " still holds; compare the capacity of two runs instead",
        holds=lambda spec: (
            spec.scenario != Scenario.CAPACITY or not any(BASELINE_WORD in text for text in spec.thresholds or ())
        ),
        reason=Reason.ThresholdInvalid,
    ),
    Rule[Spec](
        cel="!has(self.load) || !has(self.load.gracefulStop)"
        " || duration(self.load.gracefulStop) <= duration(self.target.timeout)",
        message="spec.load.gracefulStop must not be longer than spec.target.timeout",
        holds=_graceful_stop_is_within,
        reason=Reason.GracefulStopTooLong,
    ),
    Rule[Spec](
        cel="!has(self.load) || !has(self.load.virtualUsers) || self.parallelism <= self.load.virtualUsers",
        message="spec.parallelism must not be above spec.load.virtualUsers: every pod needs a virtual user",
        holds=lambda spec: spec.load.virtual_users is None or spec.parallelism <= spec.load.virtual_users,
        reason=Reason.ParallelismAboveVirtualUsers,
    ),
    Rule[Spec](
        cel="!has(self.target.formFields) || !(self.target.fileField in self.target.formFields)",
        message="spec.target.formFields must not contain the file field, which is spec.target.fileField",
        holds=lambda spec: spec.target.file_field not in spec.target.form_fields,
    ),
    Rule[Spec](
        cel="!has(self.verification) || self.verification.require != 'Proven' || has(self.verification.readBack)",
        message="spec.verification.require is Proven, so spec.verification.readBack must say how to read what the"
        " target has stored",
        holds=lambda spec: spec.verification.require != Requirement.PROVEN or spec.verification.read_back is not None,
        reason=Reason.ReadBackMissing,
    ),
)
