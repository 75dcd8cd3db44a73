"""Measurements on their way from a benchmark to the docs."""

import json
from pathlib import Path

import pytest

from bench import uploads
from bench.rig import keeping


def test_a_measurement_is_kept_with_four_digits_of_each_figure_and_with_whole_numbers_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "_FOLDER", tmp_path)

    keeping.write_measurement("some", {"rounds": [{"cost": 0.123456, "bytes": 123456789}], "date": "2026-11-30"})

    kept = json.loads((tmp_path / "some.json").read_text())
    assert kept == {"rounds": [{"cost": 0.1235, "bytes": 123456789}], "date": "2026-11-30"}


def test_a_part_of_the_work_cannot_become_the_measurement_of_the_docs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        uploads.main(["--work", "small", "--write"])

    assert ended.value.code == 2
    assert "--write does not go with --work" in capsys.readouterr().err
