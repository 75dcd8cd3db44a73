"""A LoadTest as the API server gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from loadtest_model.judgement.verdict import Verdict, exit_status
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import Reason
from loadtest_model.report.references import resolve, resolve_all
from loadtest_model.report.status import Phase
from loadtest_model.spec import GROUP, PLURAL

Json = dict[str, Any]

RESOURCE: Final = f"{PLURAL}.{GROUP}"
"""The resource as kubectl takes it, whatever else is called loadtests in a cluster."""

DEFAULT_RUN_ID: Final = "1"


@dataclass(frozen=True, slots=True)
class LoadTest:
    """One reading of a LoadTest. Fields that are missing, as of an older version, read as empty."""

    document: Json

    @property
    def metadata(self) -> Json:
        return _mapping(self.document.get("metadata"))

    @property
    def name(self) -> str:
        return str(self.metadata.get("name", ""))

    @property
    def namespace(self) -> str:
        return str(self.metadata.get("namespace", ""))

    @property
    def uid(self) -> str:
        return str(self.metadata.get("uid", ""))

    @property
    def spec(self) -> Json:
        return _mapping(self.document.get("spec"))

    @property
    def run_id(self) -> str:
        """The run that the spec asks for."""
        return str(self.spec.get("runId") or DEFAULT_RUN_ID)

    @property
    def status(self) -> Json:
        """The status with every text in full."""
        return resolve_all(_mapping(self.document.get("status")))

    @property
    def is_observed(self) -> bool:
        """Whether the status is about the spec as it is now, and about the run that it asks for."""
        status = _mapping(self.document.get("status"))
        is_of_run = str(status.get("runId") or self.run_id) == self.run_id
        return is_of_run and int(status.get("observedGeneration", -1)) >= int(self.metadata.get("generation", 1))

    @property
    def is_completed(self) -> bool:
        """Whether the run that the spec asks for is over."""
        return any(
            condition.get("type") == "Completed"
            and condition.get("status") == "True"
            and int(condition.get("observedGeneration", 0)) >= int(self.metadata.get("generation", 1))
            for condition in _mapping(self.document.get("status")).get("conditions", ())
        )

    @property
    def earlier_run_text(self) -> str:
        """What had become of the run that the spec asks for when this was read; empty if it had not begun."""
        status = self.status
        if str(status.get("runId")) != self.run_id:
            return ""
        if status.get("phase") != Phase.COMPLETED:
            return "had begun before"
        return f"had already ended at {status.get('completedAt', 'an unknown time')}, so nothing is run now"

    @property
    def phase(self) -> str:
        return str(self.status.get("phase", ""))

    @property
    def message(self) -> str:
        return str(self.status.get("message", ""))

    @property
    def verdict(self) -> Verdict | None:
        text = self.status.get("verdict")
        return Verdict(text) if text in list(Verdict) else None

    @property
    def reasons(self) -> list[str]:
        """What decided the verdict, whole, the gravest first."""
        return [resolve(text, self.message) for text in self.status.get("reasons", ())]

    @property
    def advice(self) -> str:
        """What to do about the reason for which the test stands where it stands; empty if there is nothing."""
        reason = Reason.__members__.get(str(self.status.get("reason")))
        return reason.advice if reason else ""

    @property
    def reason_class(self) -> ReasonClass:
        """What kind of end it was. An operator of an earlier version gives none, so that is taken for a load's."""
        text = self.status.get("reasonClass")
        return ReasonClass(text) if text in list(ReasonClass) else ReasonClass.LOAD

    @property
    def exit_status(self) -> ExitStatus:
        """The exit status of a command that ran the test to its end; that of Inconclusive if there is no verdict."""
        if self.verdict is None:
            return ExitStatus.INCONCLUSIVE
        return exit_status(self.verdict, self.reason_class)

    @property
    def results_name(self) -> str | None:
        """The ConfigMap of the results of the run that the status is about."""
        name = _mapping(self.status.get("results")).get("configMap")
        return str(name) if name else None

    @property
    def qualified_name(self) -> str:
        """The test as kubectl names what it changed."""
        return f"loadtest.{GROUP}/{self.name}"


def _mapping(value: Any) -> Json:
    return dict(value) if isinstance(value, Mapping) else {}
