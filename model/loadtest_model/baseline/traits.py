"""What must be the same of two tests for their figures to be compared."""

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec import structs

from loadtest_model.plan import Plan, Step
from loadtest_model.secrecy import public_url

Traits = dict[str, str]
"""What a test does to its target, in words: by what it is called in a message, and how it is."""


def traits_of(plan: Plan) -> Traits:
    """The traits of a plan: its target, the proof, the files, and the load of each step.

    How many pods share the load is none of them, because the target does not see it.
    """
    traits = {
        "target": public_url(plan.target.url),
        "required proof": str(plan.require),
        "format": str(plan.target.format),
        "records": _records_digest(plan),
        "connections": str(plan.target.connections),
    }
    several = len(plan.steps) > 1
    for step in plan.steps:
        prefix = f"{step.name}: " if several else ""
        traits |= {f"{prefix}{name}": value for name, value in _step_traits(step)}
    return traits


def difference_text(traits: Traits, others: Traits) -> str:
    """The first trait in which an earlier test differs, in words; empty if it is like this one."""
    for name in [*traits, *(name for name in others if name not in traits)]:
        value, other = traits.get(name), others.get(name)
        if value == other:
            continue
        if name == "records":
            return "the columns of the records or the form of the files differ"
        return f"{name} was {other or 'none'} and is {value or 'none'}"
    return ""


def _records_digest(plan: Plan) -> str:
    """A name for the content of the files; runs differ in the rest, which keeps their records apart."""
    content = structs.replace(plan.records, seed=0, run_tag=0)
    return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()[:12]


def _step_traits(step: Step) -> Iterator[tuple[str, str]]:
    yield "batch size", f"{step.batch_size:,}"
    if step.arrivals is None:
        yield (
            "virtual users",
            _profile((each.duration_seconds, each.first_users, each.last_users) for each in step.segments),
        )
    else:
        rates = ((each.duration_seconds, each.first_per_second, each.last_per_second) for each in step.arrivals.rates)
        yield "arrival rate", f"{_profile(rates)} ({step.arrivals.process})"
        yield "most virtual users", f"{step.virtual_users:,}"
    yield "warm-up", f"{step.warm_up_seconds:g} s"
    yield "think time", f"{step.think_time_seconds:g} s"
    if step.records is not None:
        yield "records in all", f"{step.records:,}"


def _profile(segments: Iterator[tuple[float, float, float]]) -> str:
    """A load over time in words: `5 for 60 s, 5 to 20 for 30 s`."""
    return ", ".join(
        f"{first:g}{'' if first == last else f' to {last:g}'} for {seconds:g} s" for seconds, first, last in segments
    )
