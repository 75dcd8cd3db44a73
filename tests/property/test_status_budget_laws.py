"""A status fits its budget and its schema, whatever the run came to."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.admission.crd import custom_resource_definition
from loadtest_model.judgement.capacity import CapacityLimit
from loadtest_model.judgement.health import Health, HealthLevel
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.judgement.workload import TargetWatch, WorkloadTally, points_text
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.snapshot import PodState
from loadtest_model.plan import unseen_endpoints
from loadtest_model.plan.mesh import NOTICE as MESH
from loadtest_model.report.capacity import StatusCapacity
from loadtest_model.report.status import STATUS_LIMIT_BYTES, Phase, Status, StepResult
from loadtest_model.report.status_summary import StatusDiagnosis
from loadtest_model.spec.capacity import ClimbBy
from loadtest_model.thresholds.bounds import ThresholdResult
from loadtest_operator.decide import decide
from loadtest_operator.decide.fleet import verified_status
from loadtest_operator.decide.writing import status_to_write
from loadtest_operator.facts.texts import shorten
from support.operator_builders import NOW, POLICY, PROOF, a_pod, an_observation

NOTICES = f"{unseen_endpoints.NOTICE}; {MESH}"
ENDED = decide(an_observation(a_pod(0, PodState.DONE), a_pod(1, PodState.DONE), begun=True, now=NOW), POLICY).status


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as the API server takes a server-side apply: a field that it lacks is an error."""
    strict_schema = {key: strict(value) if isinstance(value, dict) else value for key, value in schema.items()}
    if "properties" in strict_schema and "x-kubernetes-preserve-unknown-fields" not in strict_schema:
        strict_schema.setdefault("additionalProperties", False)
    return strict_schema


DEFINITION = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
SCHEMA = jsonschema.Draft7Validator(strict(DEFINITION["properties"]["status"]))

WATCHED = TargetWatch(
    workload=f"Deployment {'w' * 200}",
    images=("i" * 200,) * 6,
    new_images=("j" * 200,) * 6,
    last_end="e" * 256,
    tally=WorkloadTally(
        ends={f"{number:08x}/{'c' * 63}": 9 for number in range(32)},
        memory=points_text([(86_000.0, 2**40)] * 60),
    ),
)

# Long texts of one kind of character each: plain, of four bytes, and such as take six in JSON.
TEXTS = st.builds(lambda letter, length: letter * length, st.sampled_from('x\U0001f40c\x01"'), st.integers(0, 3_000))
ADDRESSES = st.integers(0, 16).map(lambda count: tuple(f"[2001:db8::{number}]:65535" for number in range(count)))


@st.composite
def statuses(draw: st.DrawFn) -> Status:
    """What a run of up to four steps with dozens of thresholds may come to, each text as long as it may be."""
    assert ENDED is not None
    assert ENDED.summary is not None
    assert ENDED.plan is not None
    count = draw(st.integers(1, 4))
    names = [f"step-{number}-{'n' * draw(st.integers(0, 40))}" for number in range(count)]
    expressions = [f"p95 < {number}.123456789s" for number in range(draw(st.integers(0, 40)))]
    thresholds = tuple(
        ThresholdResult(expression=text, value=1 / 3, passed=draw(st.sampled_from([True, False, None])), step=name)
        for name in names
        for text in expressions
    )
    text = draw(TEXTS)
    evidence = (shorten(draw(TEXTS), 256),) * draw(st.integers(0, 16))
    health = Health(level=HealthLevel.CRITICAL, evidence=evidence)
    diagnosis = StatusDiagnosis(
        cause=Cause.CSRF, title="t" * 60, evidence=shorten(draw(TEXTS), 480), next_step="n" * 400, count=10**9
    )
    (planned_step,) = ENDED.plan.steps
    addresses = draw(ADDRESSES)
    report = structs.replace(PROOF, message=text, hint=draw(TEXTS), addresses=addresses, unverified=addresses)
    reasons = tuple(shorten(draw(TEXTS)) for _ in range(draw(st.integers(0, 16))))
    summary = structs.replace(
        ENDED.summary,
        diagnoses=(diagnosis,) * draw(st.integers(0, 12)),
    )
    stages = planned_step.stages * draw(st.integers(1, 100))
    plan = structs.replace(
        ENDED.plan,
        steps=tuple(
            structs.replace(planned_step, name=name, stages=stages, thresholds=tuple(expressions)) for name in names
        ),
    )
    climbed = StatusCapacity(
        by=ClimbBy.ARRIVAL_RATE,
        held=1e5 / 3,
        uploads_per_second=33_333.333,
        records_per_second=1e12 / 3,
        limited_by=CapacityLimit.THRESHOLD,
        limit=shorten(draw(TEXTS), 512),
        knee=1e5 / 7,
        required=1e5,
    )
    conditions = tuple(structs.replace(made, message=shorten(text)) for made in ENDED.conditions)
    return structs.replace(
        ENDED,
        message=shorten(text),
        conditions=conditions,
        reasons=reasons,
        thresholds=thresholds[:160],
        health=health,
        capacity=draw(st.none() | st.just(climbed)),
        plan=plan,
        summary=draw(st.sampled_from([summary, None])),
        steps=tuple(
            StepResult(name=name, verdict=Verdict.FAILED, records_confirmed=10**12, records_per_second=1e6 / 3)
            for name in names
        ),
        verification=verified_status(report, NOTICES),
        target=draw(st.sampled_from([None, WATCHED])),
    )


def empty_objects(document: Any) -> Iterator[Any]:
    if isinstance(document, dict):
        if not document:
            yield document
        for value in document.values():
            yield from empty_objects(value)


def whole_texts(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list | tuple):
        for value in document.values() if isinstance(document, dict) else document:
            yield from whole_texts(value)


@given(statuses())
def test_a_status_fits_its_budget_and_its_schema_and_still_ends_every_wait(status: Status) -> None:
    status_json = status_to_write(status, {}, 5.0)

    assert status_json is not None
    assert len(msgspec.json.encode(status_json)) <= STATUS_LIMIT_BYTES
    assert not list(empty_objects(status_json))
    if len(msgspec.json.encode(status.message)) < 2_500:
        assert status_json.get("message", "") == status.message
    texts = [text for text in whole_texts({**status_json, "message": ""}) if len(text) > 60]
    # Only what is not read again may refer to a part.
    is_final = status.phase is Phase.COMPLETED
    assert not [text for text in texts if (text in status.message if is_final else text == status.message)]
    assert [error.message for error in SCHEMA.iter_errors(status_json)] == []
    assert [
        (condition["type"], condition["status"], condition["reason"]) for condition in status_json["conditions"]
    ] == [(condition.type, condition.status, condition.reason) for condition in status.conditions]
    assert ("capacity" in status_json) == (status.capacity is not None)
    assert (status_json["verdict"], status_json["runId"]) == (status.verdict, status.run_id)
    assert status_json["results"] == {"configMap": status.results.config_map if status.results else ""}
