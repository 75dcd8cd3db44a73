"""The picture of a report for the documents."""

from xml.etree import ElementTree as Xml

import msgspec
from msgspec import structs

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import rows_of_csv
from tools.generate_picture import EXAMPLE, FILE, picture

SUMMARY = msgspec.json.decode((EXAMPLE / "summary.json").read_bytes(), type=Summary)
ROWS = rows_of_csv((EXAMPLE / "time_series.csv").read_text())
SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing: str) -> list[str]:
    return [" ".join("".join(each.itertext()).split()) for each in Xml.fromstring(drawing).iter(f"{SVG}text")]


def test_the_picture_shows_the_run_that_it_was_drawn_from() -> None:
    shown = texts(FILE.read_text())

    assert str(SUMMARY.verdict) in shown
    assert f"{SUMMARY.records.confirmed:,}" in shown
    for result in SUMMARY.thresholds:
        assert result.expression in shown
    assert "Course of the run" in shown


def test_the_picture_follows_the_verdict() -> None:
    assert "Failed" in texts(picture(structs.replace(SUMMARY, verdict=Verdict.FAILED), ROWS))


def test_the_picture_needs_neither_scripts_nor_other_files() -> None:
    tags = {each.tag.removeprefix(SVG) for each in Xml.fromstring(FILE.read_text()).iter()}

    assert tags <= {"svg", "title", "desc", "style", "rect", "g", "text", "tspan", "line", "path"}
