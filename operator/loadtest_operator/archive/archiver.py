"""Archives results beside the turns, again and again as long as they exist. What was archived bears an annotation."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from loadtest_model.quantities import clip, span_text
from loadtest_model.report.afterwards import LONGEST_DETAIL
from loadtest_model.report.kept_files import UnpackableError, files_of
from loadtest_model.spec import Identity
from loadtest_operator.archive.stores import ArchiveError, Store
from loadtest_operator.cluster.api import CONFIG_MAPS, Api, ApiError
from loadtest_operator.facts.names import ARCHIVED_ANNOTATION
from loadtest_operator.facts.observation import ObservedResults
from loadtest_operator.facts.resources import observed_results
from loadtest_operator.policy.backoff import backoff_seconds

_LOG: Final = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 300.0
_AT_ONCE: Final = 4

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ArchiverDependencies:
    """What results are archived with. `store` is None if the installation archives nothing.

    `random` gives numbers in [0, 1). `count` hears of each attempt whether it went well.
    """

    api: Api
    store: Store | None
    random: Callable[[], float]
    count: Callable[[str], None]


class Archiver:
    """Results that are being archived, by their UID. `on_end` hears of each change which test it is about."""

    def __init__(self, dependencies: ArchiverDependencies) -> None:
        self._dependencies = dependencies
        self._group = asyncio.TaskGroup()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._failures: dict[str, str] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self.on_end: Callable[[tuple[str, str]], None] = lambda _key: None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    @property
    def is_on(self) -> bool:
        """Whether the installation archives results."""
        return self._dependencies.store is not None

    def failure(self, uid: str) -> str:
        """Why these results were not archived yet; empty if nothing went wrong."""
        return self._failures.get(uid, "")

    def archive(self, test: Identity, results: ObservedResults) -> None:
        """Begin to archive results, if that has not begun."""
        store = self._dependencies.store
        if store is not None and results.uid not in self._tasks:
            self._tasks[results.uid] = self._group.create_task(self._archive(store, test, results))

    async def _archive(self, store: Store, test: Identity, results: ObservedResults) -> None:
        failures = 0
        try:
            while True:
                failure = await self._attempt(store, test, results)
                self._dependencies.count("Failed" if failure else "Archived")
                if not failure:
                    self._failures.pop(results.uid, None)
                    return
                jitter = self._dependencies.random()
                wait = backoff_seconds(failures, jitter, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
                _LOG.warning("%s: %s was not archived: %s; again in %s", test, results.name, failure, span_text(wait))
                if self._failures.get(results.uid) != failure:
                    self._failures[results.uid] = failure
                    self.on_end((test.namespace, test.name))
                await asyncio.sleep(wait)
                failures += 1
        finally:
            del self._tasks[results.uid]
            self.on_end((test.namespace, test.name))

    async def _attempt(self, store: Store, test: Identity, results: ObservedResults) -> str:
        """Archive results that still exist; gives why that failed, empty if it did not."""
        api = self._dependencies.api
        try:
            config_map = await api.get(CONFIG_MAPS, test.namespace, results.name)
            if config_map is None or observed_results(config_map, test.uid) is None:
                return ""
            prefix = prefix_of(test, results)
            files = files_of(config_map)
            async with self._slots:
                await store.write(prefix, files)
            metadata = {"uid": results.uid, "annotations": {ARCHIVED_ANNOTATION: prefix}}
            await api.patch(CONFIG_MAPS, test.namespace, results.name, {"metadata": metadata})
        except (ArchiveError, UnpackableError) as error:
            return clip(str(error), LONGEST_DETAIL)
        except ApiError as error:
            return "" if error.is_outdated else clip(f"the API server: {error.message}", LONGEST_DETAIL)
        except Exception as error:
            # A defect here must not end the operator, and its text may have a credential in it.
            return f"it failed by {type(error).__name__}"
        _LOG.info("%s: %s was archived under %s", test, results.name, prefix)
        return ""


def prefix_of(test: Identity, results: ObservedResults) -> str:
    """Where the files of a run are, below the archive: the run id, and the digest that tells it from others of it."""
    digest = results.name.removesuffix("-results").rpartition("-")[2]
    return f"{test.namespace}/{test.name}/{results.run_id}-{digest}"
