"""The runs in files that a local run is compared with."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadgen.local.earlier_runs import baseline_for
from loadgen.options.errors import UsageError
from loadtest_model.baseline.blocks import StepBlocks
from loadtest_model.baseline.earlier_runs import RunOnRecord, StepOnRecord
from loadtest_model.baseline.traits import traits_of
from support.builders import a_plan

PLAN = a_plan(thresholds=["p95 < baseline + 10%"])


def written(path: Path, run_id: str, **fields: Any) -> Path:
    run = RunOnRecord(
        name="light",
        verdict="Passed",
        started_at=f"2026-01-01T00:00:{run_id}Z",
        run_id=run_id,
        traits=traits_of(PLAN),
        steps=(StepOnRecord(name="light", blocks=StepBlocks()),),
    )
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(run, **fields)))
    return path


def run_ids(*places: Path) -> list[str]:
    baseline = baseline_for(PLAN, places)
    assert baseline is not None
    return [run.run_id for run in baseline.runs]


def test_a_folder_has_the_runs_of_its_summaries_whatever_else_lies_there(tmp_path: Path) -> None:
    written(tmp_path / "light_1_summary.json", "01")
    written(tmp_path / "light_2_summary.json", "02")
    written(tmp_path / "light_3_summary.json", "03", verdict="Failed")
    (tmp_path / "other_summary.json").write_text("[]")
    (tmp_path / "torn_summary.json").write_text("{")
    (tmp_path / "light_2.csv").write_text("second\n")

    assert run_ids(tmp_path) == ["02", "01"]


def test_files_and_folders_are_one_baseline(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    written(folder / "light_1_summary.json", "01")
    file = written(tmp_path / "release.json", "02")

    assert run_ids(folder, file) == ["02", "01"]


def test_the_file_with_everything_about_a_run_is_taken_too(tmp_path: Path) -> None:
    summary = msgspec.json.decode(written(tmp_path / "summary.json", "01").read_bytes())
    details = tmp_path / "light.json"
    details.write_bytes(msgspec.json.encode({"schema_version": 1, "summary": summary}))

    assert run_ids(details) == ["01"]


def test_an_empty_folder_is_a_baseline_without_runs(tmp_path: Path) -> None:
    assert run_ids(tmp_path) == []


@pytest.mark.parametrize(
    ("content", "message"), [("{}", "is not the summary of a run"), (None, "cannot be read: No such file")]
)
def test_a_file_that_is_no_summary_is_refused_by_its_name(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "given.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(UsageError, match=f"given.json {message}"):
        baseline_for(PLAN, [path])


def test_without_a_bound_on_the_baseline_nothing_is_read(tmp_path: Path) -> None:
    assert baseline_for(a_plan(), [tmp_path / "missing.json"]) is None
