"""What is done after the end of a run: results are removed and archived, messages are sent, and the test is deleted."""

import logging
from dataclasses import dataclass
from typing import Final, assert_never

from loadtest_model.report.references import resolve_all
from loadtest_operator.archive.archiver import Archiver
from loadtest_operator.cluster.api import CONFIG_MAPS, LOADTESTS, Api, ApiError
from loadtest_operator.decide import actions
from loadtest_operator.facts.observation import Observation
from loadtest_operator.messages.ended_run import EndedRun
from loadtest_operator.messages.messenger import Messenger

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class FollowUp:
    """Executes these actions; the messenger and the archiver do their work beside the turns."""

    api: Api
    messenger: Messenger
    archiver: Archiver

    async def perform(self, observation: Observation, action: actions.FollowUpAction) -> None:
        """Do what follows the end.

        Raises ApiError if an outage or a conflict asks for another try.
        """
        identity = observation.test.identity
        match action:
            case actions.RemoveResults():
                await self._remove_results(identity.namespace, action)
            case actions.ArchiveResults():
                self.archiver.archive(identity, action.results)
            case actions.SendMessages():
                run = EndedRun(identity, observation.run_id, resolve_all(observation.test.status))
                self.messenger.send(run, action.webhooks, action.seconds)
            case actions.DeleteTest():
                _LOG.info("%s: deleted, because its time by spec.results.ttl has passed", identity)
                version = observation.test.resource_version
                await self.api.delete(LOADTESTS, identity.namespace, identity.name, identity.uid, version)
            case _:
                assert_never(action)

    async def _remove_results(self, namespace: str, action: actions.RemoveResults) -> None:
        """Remove results that are no longer kept. That they cannot be removed is no reason to do nothing else."""
        try:
            await self.api.delete(CONFIG_MAPS, namespace, action.name, action.uid)
        except ApiError as error:
            if not error.is_final:
                raise
            _LOG.warning("%s/%s: results that are no longer kept were not removed: %s", namespace, action.name, error)
