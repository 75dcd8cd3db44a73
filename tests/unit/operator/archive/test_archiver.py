"""Archiving a run: what is written where, what is tried again, and what ends the attempts."""

import asyncio
import base64
import gzip
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from loadtest_model.report.kept_files import files_of
from loadtest_operator.archive import archiver as archiving
from loadtest_operator.archive.archiver import prefix_of
from loadtest_operator.archive.stores import ArchiveError, FolderStore
from loadtest_operator.cluster.api import ApiError
from loadtest_operator.facts.names import ARCHIVED_ANNOTATION
from loadtest_operator.facts.observation import ObservedResults
from loadtest_operator.facts.resources import rfc3339
from support.archivers import an_archiver
from support.builders import IDENTITY
from support.fake_api import FakeApi
from support.operator_builders import NOW

Json = dict[str, Any]
RESULTS = ObservedResults("heavy-0a1b2c3d-results", "map-1", NOW, run_id="v1.2.3")
PREFIX = "shop/heavy/v1.2.3-0a1b2c3d"


def a_config_map(owner: str = IDENTITY.uid) -> Json:
    return {
        "metadata": {
            "name": RESULTS.name,
            "uid": RESULTS.uid,
            "creationTimestamp": rfc3339(NOW),
            "ownerReferences": [{"uid": owner, "controller": True}],
        },
        "data": {"summary.json": "{}", "junit.xml": "<é/>"},
        "binaryData": {"report.html.gz": base64.b64encode(gzip.compress(b"<html>")).decode()},
    }


class PatchedApi(FakeApi):
    """Notes the patches; the first ones may fail."""

    def __init__(self, config_maps: list[Json], *failures: ApiError) -> None:
        super().__init__(configmaps=config_maps)
        self.patches: list[Json] = []
        self._failures = list(failures)

    async def patch(self, _kind: str, _namespace: str, _name: str, body: Json, *_: Any) -> Json:
        if self._failures:
            raise self._failures.pop(0)
        self.patches.append(body)
        return body


class FailingStore:
    """Fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.writes: list[str] = []

    async def write(self, prefix: str, _files: Mapping[str, bytes]) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.writes.append(prefix)


async def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "FIRST_PAUSE_SECONDS", 0.02)


def test_a_prefix_tells_runs_of_one_id_apart() -> None:
    assert prefix_of(IDENTITY, RESULTS) == PREFIX


def test_the_files_of_a_run_are_those_that_a_run_by_hand_writes() -> None:
    assert files_of(a_config_map()) == {
        "summary.json": b"{}",
        "junit.xml": "<é/>".encode(),
        "report.html": b"<html>",
    }


async def test_what_was_archived_bears_the_annotation(tmp_path: Path) -> None:
    counted: list[str] = []
    async with (
        PatchedApi([a_config_map()]) as api,
        an_archiver(api, store=FolderStore(tmp_path), count=counted.append) as archiver,
    ):
        ends: list[tuple[str, str]] = []
        archiver.on_end = ends.append
        archiver.archive(IDENTITY, RESULTS)
        archiver.archive(IDENTITY, RESULTS)
        await until(lambda: ends)

    assert api.patches == [{"metadata": {"uid": "map-1", "annotations": {ARCHIVED_ANNOTATION: PREFIX}}}]
    assert sorted(path.name for path in (tmp_path / PREFIX).iterdir()) == ["junit.xml", "report.html", "summary.json"]
    assert (ends, counted) == ([("shop", "heavy")], ["Archived"])


@pytest.mark.parametrize(
    ("failure", "explanation"),
    [
        (ArchiveError("the bucket answered 503"), "the bucket answered 503"),
        (RuntimeError("with a secret in it"), "it failed by RuntimeError"),
    ],
)
async def test_an_attempt_that_fails_is_told_and_made_again(failure: Exception, explanation: str) -> None:
    store, told, counted = FailingStore(failure, failure), [], list[str]()
    async with PatchedApi([a_config_map()]) as api, an_archiver(api, store=store, count=counted.append) as archiver:
        archiver.on_end = lambda _key: told.append(archiver.failure(RESULTS.uid))
        archiver.archive(IDENTITY, RESULTS)
        await until(lambda: api.patches and len(told) == 2)

    assert told == [explanation, ""]
    assert counted == ["Failed", "Failed", "Archived"]
    assert store.writes == [PREFIX]


async def test_an_annotation_that_the_api_server_did_not_take_is_written_again(tmp_path: Path) -> None:
    async with (
        PatchedApi([a_config_map()], ApiError(403, "Forbidden", "no")) as api,
        an_archiver(api, store=FolderStore(tmp_path)) as archiver,
    ):
        archiver.archive(IDENTITY, RESULTS)
        await until(lambda: api.patches)


@pytest.mark.parametrize("config_maps", [[], [a_config_map("another")]])
async def test_results_that_are_gone_or_of_another_test_end_the_attempts(config_maps: list[Json]) -> None:
    store = FailingStore()
    async with PatchedApi(config_maps) as api, an_archiver(api, store=store) as archiver:
        ends: list[tuple[str, str]] = []
        archiver.on_end = ends.append
        archiver.archive(IDENTITY, RESULTS)
        await until(lambda: ends)

    assert (store.writes, api.patches) == ([], [])


async def test_without_a_store_nothing_is_archived() -> None:
    async with PatchedApi([a_config_map()]) as api, an_archiver(api) as archiver:
        assert not archiver.is_on
        archiver.archive(IDENTITY, RESULTS)
        assert archiver._tasks == {}


async def test_files_that_cannot_be_written_leave_nothing_behind(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)

    with pytest.raises(ArchiveError):
        await store.write(PREFIX, {"summary.json": b"{}", "no/such/folder": b""})

    assert list((tmp_path / PREFIX).parent.iterdir()) == []


async def test_what_a_killed_operator_left_half_written_is_removed_and_written_whole(tmp_path: Path) -> None:
    target = tmp_path / PREFIX
    partial = target.parent / f".{target.name}.abcd"
    partial.mkdir(parents=True)
    (partial / "summary.json").write_bytes(b"{")

    await FolderStore(tmp_path).write(PREFIX, {"summary.json": b"{}"})
    await FolderStore(tmp_path).write(PREFIX, {"summary.json": b"{}"})

    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert (target / "summary.json").read_bytes() == b"{}"
