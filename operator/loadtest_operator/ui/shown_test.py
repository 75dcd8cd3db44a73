"""A LoadTest as its pages show it, from Kubernetes' JSON. Whatever cannot be read is left out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import msgspec

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.pages.live.head import Standing
from loadtest_model.pages.live.overview import ListedTest
from loadtest_model.pages.live.run import StatusFigures
from loadtest_model.quantities import clip, count_text
from loadtest_model.report.references import resolve_all
from loadtest_model.report.status import LOAD_RUNS, Phase, Status, StatusVerification
from loadtest_model.report.summary import Proof
from loadtest_model.secrecy import public_url
from loadtest_operator.facts.resources import instant

Json = dict[str, Any]

_NULLABLE: Final = {"progress": ("p95Seconds", "errorRate"), "thresholds": ("value", "passed")}
"""What the API server drops where it is null."""


@dataclass(frozen=True)
class ShownTest:
    """A test with its status, which says nothing where `has_status` is false."""

    namespace: str
    name: str
    uid: str
    created_at: datetime
    scenario: str
    target: str
    status: Status
    has_status: bool

    @classmethod
    def of(cls, resource: Json) -> Self:
        """The test of a resource as the API server has it."""
        metadata, spec = resource["metadata"], resource.get("spec") or {}
        written = resource.get("status") or {}
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            created_at=instant(metadata["creationTimestamp"]),
            scenario=_text(spec.get("scenario")),
            target=public_url(_text((spec.get("target") or {}).get("url"))),
            status=shown_status(written),
            has_status="phase" in written,
        )

    @property
    def has_ended(self) -> bool:
        return self.has_status and self.status.phase is Phase.COMPLETED

    @property
    def results_name(self) -> str:
        """The ConfigMap of its results, as the status names it; empty if there is none. Others may write there."""
        return self.status.results.config_map if self.status.results is not None else ""

    def line(self) -> ListedTest:
        """The test in a line of the list of all tests."""
        status = self.status
        progress = status.progress
        return ListedTest(
            uid=self.uid,
            namespace=self.namespace,
            name=self.name,
            since=self._since(),
            phase=status.phase if self.has_status else None,
            reason=status.reason or "",
            message=clip(status.message, 300),
            scenario=self.scenario,
            verdict=status.verdict,
            health=HealthLevel(status.health.level) if status.health is not None else None,
            share=progress.percent / 100 if progress is not None else None,
            records_per_second=progress.records_per_second if progress is not None else None,
            p95_seconds=progress.p95_seconds if progress is not None else None,
            errors=progress.errors if progress is not None else None,
        )

    def standing(self, notices: tuple[str, ...] = ()) -> Standing:
        """Where the test stands, by its status."""
        status, plan = self.status, self.status.plan
        load = ""
        if plan is not None:
            users = count_text(max((step.virtual_users for step in plan.steps), default=0), "virtual user")
            load = f"up to {users} in {count_text(plan.parallelism, 'pod')}"
        return Standing(
            name=self.name,
            namespace=self.namespace,
            phase=status.phase if self.has_status else "Not looked at yet",
            verdict=status.verdict if self.has_ended else None,
            reason=status.reason or "",
            message="" if status.message == LOAD_RUNS else status.message,
            scenario=self.scenario,
            target=self.target,
            since=status.started_at or "",
            load=load,
            pods=status.pods,
            notices=notices,
        )

    def status_figures(self) -> StatusFigures:
        """What the status has of the measurements."""
        status = self.status
        return StatusFigures(
            progress=status.progress,
            thresholds=status.thresholds,
            health=status.health,
            proof=_proof(status.verification) if status.verification is not None else None,
            steps=status.plan.steps if status.plan is not None else (),
        )

    def _since(self) -> datetime:
        status = self.status
        try:
            return instant(status.completed_at or status.started_at or "")
        except ValueError:
            return self.created_at


def _proof(verification: StatusVerification) -> Proof:
    return Proof(
        level=verification.level,
        uploads=verification.uploads,
        rows=verification.rows,
        unverified=verification.unverified,
        vanished=verification.vanished,
        unechoed=verification.unechoed,
        read_back=verification.read_back,
        notice=verification.notice,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def shown_status(written: Json) -> Status:
    """The status in a resource, read field by field. A field that another writer spoiled is as good as none."""
    known: Json = {}
    resolved = resolve_all(written)
    for field in msgspec.structs.fields(Status):
        if field.encode_name not in resolved:
            continue
        value = _with_nulls(resolved[field.encode_name], _NULLABLE.get(field.encode_name, ()))
        try:
            known[field.name] = msgspec.convert(value, field.type)
        except msgspec.ValidationError:
            continue
    return Status(**known)


def _with_nulls(value: Any, names: tuple[str, ...]) -> Any:
    if isinstance(value, list):
        return [_with_nulls(each, names) for each in value]
    return {**dict.fromkeys(names), **value} if isinstance(value, dict) else value
