"""The order of files over several workers: those that took longest in earlier runs come first.

Otherwise a long file may begin when all others are done, and one worker ends alone.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final

import pytest

_KEY: Final = "loadtest/seconds_of_tests"
_SHORTEST_SECONDS: Final = 0.1
_seconds: defaultdict[str, float] = defaultdict(float)


def longest_first(seconds_of_tests: Mapping[str, float]) -> Callable[[str], float]:
    """A key to sort tests by: their files by the seconds that all tests of the file took, the longest first."""
    seconds_of_files: defaultdict[str, float] = defaultdict(float)
    for nodeid, seconds in seconds_of_tests.items():
        seconds_of_files[_file_of(nodeid)] += seconds
    return lambda nodeid: -seconds_of_files.get(_file_of(nodeid), 0.0)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sort the files of a worker; all workers read the same record, which is written when they have ended."""
    if not hasattr(config, "workerinput"):
        return
    key = longest_first(_recorded_seconds(config))
    items.sort(key=lambda item: key(item.nodeid))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Record the tests of this run beside those of earlier ones, so that a selection of tests forgets no other."""
    config = session.config
    cache = _cache_of(config)
    if cache is None or hasattr(config, "workerinput"):
        return
    recorded = {nodeid: seconds for nodeid, seconds in _recorded_seconds(config).items() if nodeid not in _seconds}
    long_ones = {nodeid: round(seconds, 1) for nodeid, seconds in _seconds.items() if seconds >= _SHORTEST_SECONDS}
    cache.set(_KEY, {**recorded, **long_ones})


def _recorded_seconds(config: pytest.Config) -> dict[str, float]:
    cache = _cache_of(config)
    recorded: dict[str, float] = cache.get(_KEY, {}) if cache is not None else {}
    return recorded


def _cache_of(config: pytest.Config) -> pytest.Cache | None:
    """The record of earlier runs; None under `-p no:cacheprovider`, where the attribute is missing as well."""
    cache: pytest.Cache | None = getattr(config, "cache", None)
    return cache


def _file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
