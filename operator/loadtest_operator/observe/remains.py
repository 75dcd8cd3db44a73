"""What exists of a test that is over, beside its Job and pods: network policies and results."""

import logging
from dataclasses import replace
from typing import Final

from loadtest_model.report.status import Phase
from loadtest_operator.archive.archiver import Archiver
from loadtest_operator.cluster.api import CONFIG_MAPS, NETWORK_POLICIES, Api, ApiError
from loadtest_operator.facts.names import uid_selector
from loadtest_operator.facts.observation import ObservedNetworkPolicy, ObservedResults, ObservedTest
from loadtest_operator.facts.resources import observed_results

_LOG: Final = logging.getLogger(__name__)


class RemainsReader:
    """Reads what remains of tests. `archiver` knows which results it failed to archive."""

    def __init__(self, api: Api, archiver: Archiver, *, makes_network_policies: bool) -> None:
        self._api = api
        self._archiver = archiver
        self._makes_network_policies = makes_network_policies

    async def network_policies(self, test: ObservedTest, run_id: str) -> tuple[ObservedNetworkPolicy, ...]:
        """The network policies that a test which is over or deleted still has."""
        over = test.is_deleting or is_completed(test, run_id)
        if not over or not self._makes_network_policies:
            return ()
        policies = await self._api.list(NETWORK_POLICIES, test.identity.namespace, uid_selector(test.identity.uid))
        return tuple(
            ObservedNetworkPolicy(policy["metadata"]["name"], policy["metadata"]["uid"]) for policy in policies
        )

    async def results(self, test: ObservedTest, run_id: str) -> tuple[ObservedResults, ...]:
        """The results of all runs of a completed test. Without the right to list them all of them are kept."""
        if not is_completed(test, run_id) or test.is_deleting:
            return ()
        identity = test.identity
        try:
            config_maps = await self._api.list(
                CONFIG_MAPS, identity.namespace, uid_selector(identity.uid), metadata_only=True
            )
        except ApiError as error:
            if not error.is_forbidden:
                raise
            _LOG.warning("%s: no results of earlier runs are removed, because they cannot be listed", identity)
            return ()
        each_observed = (observed_results(config_map, identity.uid) for config_map in config_maps)
        return tuple(
            replace(observed, archive_failure=self._archiver.failure(observed.uid))
            for observed in each_observed
            if observed is not None
        )


def is_completed(test: ObservedTest, run_id: str) -> bool:
    """Whether this run of a test is over, by its status."""
    return test.record.run_id == run_id and test.record.phase is Phase.COMPLETED
