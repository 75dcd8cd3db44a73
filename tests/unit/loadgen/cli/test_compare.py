"""`loadgen compare`: two runs from their files."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from loadgen.cli.main import main
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.report.time_series import time_series_csv
from support.report_cases import ReportCase, failed, passed


def written(folder: Path, stem: str, case: ReportCase, series: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{stem}_summary.json"
    path.write_bytes(msgspec.json.encode(case.summary))
    (folder / f"{stem}{series}.csv").write_text(time_series_csv(case.rows))
    return path


@pytest.mark.parametrize("series", ["", "_time_series"], ids=["of_loadgen", "of_kubectl_loadtest"])
def test_two_runs_are_printed_side_by_side_and_written_as_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], series: str
) -> None:
    first = written(tmp_path, "v1", passed(), series)
    folder = written(tmp_path / "newer", "v2", failed(), series).parent
    page = tmp_path / "both.html"

    status = main(["compare", str(first), str(folder), "-o", str(page)])

    lines = capsys.readouterr().out.splitlines()
    assert status == ExitStatus.PASSED
    assert lines[0].split()[:3] == ["v1", "v2", "difference"]
    assert next(line.split() for line in lines if line.startswith("verdict")) == ["verdict", "Passed", "Failed"]
    assert lines[-1] == str(page)
    assert "Neither run has a time series" not in page.read_text()
    assert 'class="series line stroke-1"' in page.read_text()


def test_of_a_folder_the_newest_run_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 3, 2):
        case = passed()
        summary = structs.replace(case.summary, started_at=f"2026-01-0{number}T00:00:00Z")
        written(tmp_path, f"run{number}", replace(case, summary=summary), "")

    main(["compare", str(tmp_path), str(tmp_path / "run1_summary.json")])

    assert capsys.readouterr().out.splitlines()[0].split()[:2] == ["run3", "run1"]


@pytest.mark.parametrize(
    ("content", "message"), [("{}", "is not the summary of a run"), (None, "has no summary of a run")]
)
def test_what_is_no_run_is_refused_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, message: str
) -> None:
    place = tmp_path
    if content is not None:
        place = tmp_path / "given.json"
        place.write_text(content)

    assert main(["compare", str(place), str(place)]) == ExitStatus.USAGE
    assert message in capsys.readouterr().err
