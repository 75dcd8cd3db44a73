"""Values that tests begin from."""

from typing import Any

import msgspec
from msgspec import structs

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.censored import CensoredTimes
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.sketch import sketch_of
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.plan import Plan, compile_plan
from loadtest_model.spec import Identity, Spec

URL = "http://clients.shop.svc:8000/clients/upload/process/"
IDENTITY = Identity(namespace="shop", name="heavy", uid="7d0d5a0e-0000-4000-8000-000000000001")


def a_spec(**fields: Any) -> Spec:
    """A spec as a manifest would give it, in camelCase."""
    return msgspec.convert({"target": {"url": URL}, "scenario": "light", **fields}, Spec)


def a_plan(**fields: Any) -> Plan:
    return compile_plan(a_spec(**fields), IDENTITY)


def counts(**fields: int) -> Counts:
    """Conserved counts made from the outcomes and what was dropped."""
    sent = sum(fields.get(name, 0) for name in ("accepted", "rejected", "unknown", "violation"))
    return Counts(sent=sent, due=sent + fields.get("dropped", 0), **fields)


def a_step(
    *,
    accepted: int = 100,
    seconds_each: float = 1.0,
    errors: dict[ErrorKind, int] | None = None,
    seconds: tuple[Second, ...] = (),
    finished_pods: int = 1,
    **outcomes: int,
) -> StepAggregate:
    """A step in which `accepted` uploads of 1,000 records took `seconds_each`."""
    step_counts = counts(
        accepted=accepted, records_sent=accepted * 1_000, records_confirmed=accepted * 1_000, **outcomes
    )
    return StepAggregate(
        total=step_counts,
        judged=step_counts,
        errors=errors or {},
        response=sketch_of([int(seconds_each * 1e9)] * (accepted + outcomes.get("unknown", 0))),
        service=sketch_of([int(seconds_each * 1e9)] * (accepted + outcomes.get("unknown", 0))),
        seconds=seconds,
        finished_pods=finished_pods,
    )


def a_second(number: int, *, due: int = 4, answers: int = 4, response_seconds: float = 0.2) -> Second:
    """A second of two virtual users, in which uploads of 1,000 records were due, all accepted, and some answered."""
    return Second(
        second=number,
        counts=counts(accepted=due),
        virtual_users=2,
        ended=answers,
        answers=answers,
        records_answered=answers * 1_000,
        response_nanoseconds_sum=int(answers * response_seconds * 1e9),
    )


def with_cut_uploads(step: StepAggregate, uploads: int, seconds_each: float) -> StepAggregate:
    """The step with further uploads, which were cut at an age and had a minute left until their time-out."""
    ages = sketch_of([int(seconds_each * 1e9)] * uploads)
    cut = counts(unknown=uploads, cancelled=uploads)
    return structs.replace(
        step,
        total=step.total.merge(cut),
        judged=step.judged.merge(cut),
        errors={**step.errors, ErrorKind.CANCELLED: uploads},
        response=step.response.merge(ages),
        service=step.service.merge(ages),
        censored=CensoredTimes(response=ages, service=ages, remaining_nanoseconds=uploads * 60 * 10**9),
    )


def a_run(*steps: StepAggregate, **fields: Any) -> Aggregate:
    return Aggregate(steps=steps or (a_step(),), pods=1, elapsed_seconds=120.0, **fields)
