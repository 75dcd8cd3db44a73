"""The garbage collector while modules are imported, and afterwards."""

import gc
from collections.abc import Iterator

import pytest

from loadgen.cli.main import without_garbage_collection


@pytest.fixture(autouse=True)
def _unfreeze_collector() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_nothing_is_collected_while_modules_are_imported_and_they_are_left_alone_afterwards() -> None:
    objects: list[object] = []

    with without_garbage_collection():
        assert not gc.isenabled()
        objects.append([])

    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert not any(tracked is objects for tracked in gc.get_objects())


def test_the_collector_works_again_also_after_an_import_that_failed() -> None:
    with pytest.raises(ImportError), without_garbage_collection():
        raise ImportError

    assert gc.isenabled()
