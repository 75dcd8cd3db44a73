"""How the operator's process is set up before it runs."""

import gc
from types import SimpleNamespace

import pytest

from loadtest_operator.program import cli
from loadtest_operator.program.settings import Settings, settings_from


def test_what_was_imported_is_left_out_of_garbage_collections(monkeypatch: pytest.MonkeyPatch) -> None:
    frozen_objects: list[int] = []

    async def run(_settings: Settings) -> None:
        frozen_objects.append(gc.get_freeze_count())

    monkeypatch.setattr(cli, "import_module", lambda _name: SimpleNamespace(run=run))
    gc.unfreeze()
    try:
        assert cli._run(settings_from({"LOADTEST_IMAGE": "loadgen:1", "LOADTEST_OPERATOR_NAMESPACE": "own"})) == 0
    finally:
        gc.unfreeze()

    assert frozen_objects[0] > 10_000
