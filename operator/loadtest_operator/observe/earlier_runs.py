"""The earlier runs of a test that its results have on record, read once for a run that is compared with them."""

import logging
from typing import Any, Final

import msgspec

from loadtest_model.baseline.earlier_runs import Baseline, RunOnRecord, baseline_of, names_baseline
from loadtest_model.plan import Plan
from loadtest_model.reasons import Reason
from loadtest_model.report.labels import VERDICT_LABEL
from loadtest_operator.cluster.api import CONFIG_MAPS, Api, ApiError
from loadtest_operator.facts.names import uid_selector
from loadtest_operator.facts.observation import ObservedJob, ObservedTest
from loadtest_operator.facts.resources import observed_results
from loadtest_operator.observe.memory import Memory

_LOG: Final = logging.getLogger(__name__)

Json = dict[str, Any]

_MOST_UNLIKE: Final = 5
"""How many more runs are read than are compared, because the newest may be of other plans."""


class EarlierRuns:
    """Reads the baseline of runs."""

    def __init__(self, api: Api, memory: Memory) -> None:
        self._api = api
        self._memory = memory

    async def baseline(self, test: ObservedTest, job: ObservedJob | None) -> Baseline | None:
        """The runs to compare with; None if the load has not begun, or if no threshold compares. Raises ApiError."""
        plan = job.plan if job is not None else None
        if plan is None or test.record.start is None or not names_baseline(plan):
            return None
        uid = test.identity.uid
        remembered_baseline = self._memory.baseline(uid, plan.run_id)
        if remembered_baseline is not None:
            return remembered_baseline
        baseline = await self._read(test, plan)
        self._memory.keep_baseline(uid, plan.run_id, baseline)
        return baseline

    async def _read(self, test: ObservedTest, plan: Plan) -> Baseline:
        identity = test.identity
        selector = f"{uid_selector(identity.uid)},{VERDICT_LABEL}={Reason.Passed}"
        try:
            config_maps = await self._api.list(CONFIG_MAPS, identity.namespace, selector, metadata_only=True)
            # An operator before this one may have written the results of the run itself, which are no earlier run's.
            earlier_results = [
                each
                for each in config_maps
                if observed_results(each, identity.uid) is not None
                and each["metadata"]["name"] != test.record.results_name
            ]
            newest_first = sorted(earlier_results, key=_creation_time, reverse=True)
            names = [each["metadata"]["name"] for each in newest_first[: plan.baseline_runs + _MOST_UNLIKE]]
            # One after the other, because each may have a megabyte.
            runs = [await self._run(identity.namespace, name) for name in names]
        except ApiError as error:
            if not error.is_forbidden:
                raise
            _LOG.warning("%s: the results of earlier runs cannot be listed", identity)
            return Baseline(
                problem="the operator may not list ConfigMaps, so it cannot read the results of earlier runs"
            )
        return baseline_of(plan, [run for run in runs if run is not None])

    async def _run(self, namespace: str, name: str) -> RunOnRecord | None:
        """The run in a ConfigMap. It is listed by its name, because the right to get it may be missing."""
        config_maps = await self._api.list(CONFIG_MAPS, namespace, fields=f"metadata.name={name}")
        return next((run_in(config_map) for config_map in config_maps), None)


def run_in(config_map: Json) -> RunOnRecord | None:
    """The run in a ConfigMap; None if that is no results."""
    try:
        return msgspec.json.decode((config_map.get("data") or {}).get("summary.json", ""), type=RunOnRecord)
    except msgspec.MsgspecError:
        return None


def _creation_time(config_map: Json) -> str:
    return str(config_map["metadata"]["creationTimestamp"])
