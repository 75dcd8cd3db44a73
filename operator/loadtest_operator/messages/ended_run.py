"""A run that has ended, as messages tell of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from loadtest_model.judgement.verdict import Verdict, verdict_text
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.spec import Identity

Json = dict[str, Any]


@dataclass(frozen=True)
class EndedRun:
    """The run of a test, and the test's status as JSON, in which no text refers to another."""

    identity: Identity
    run_id: str
    status: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The key by which receivers recognise a repeated message.

        It contains the time of the end, because a run id may be used again.
        """
        return run_key(self.identity.uid, self.run_id, str(self.status.get("completedAt", "")))

    @property
    def verdict(self) -> str:
        return str(self.status.get("verdict", ""))

    @property
    def message(self) -> str:
        return str(self.status.get("message", ""))

    @property
    def title(self) -> str:
        verdict, reason_class = self.verdict, self.status.get("reasonClass")
        if verdict in list(Verdict) and reason_class in list(ReasonClass):
            verdict = verdict_text(Verdict(verdict), ReasonClass(reason_class))
        return f"LoadTest {self.identity}, run {self.run_id}: {verdict}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The story of the run in a few lines, after the first, which is the verdict."""
        return tuple(self.status.get("atAGlance", ()))[1:]


def run_key(uid: str, run_id: str, completed_at: str) -> str:
    """What tells an ended run from every other one."""
    return f"{uid}/{run_id}/{completed_at}"


def report_link(template: str, run: EndedRun) -> str:
    """The address of a run's report; empty without a template. `{namespace}`, `{name}` and `{runId}` are filled in."""
    values = {"namespace": run.identity.namespace, "name": run.identity.name, "runId": run.run_id}
    for name, value in values.items():
        template = template.replace(f"{{{name}}}", quote(value, safe=""))
    return template
