"""The page with two runs over each other."""

from xml.etree import ElementTree as Xml

import pytest
from msgspec import structs

from loadtest_model.pages.comparison_page import ComparedRun, comparison_page
from support.report_cases import ReportCase, failed, inconclusive, passed, refused


def a_run(name: str, case: ReportCase) -> ComparedRun:
    return ComparedRun(name, case.summary, case.rows)


def body_of(page: str) -> Xml.Element:
    (body,) = (f"<main{part}" for part in page.partition("<main")[2:])
    return Xml.fromstring(body.partition("</main>")[0] + "</main>")


def lines(main: Xml.Element, section: str) -> list[str]:
    paths = main.iterfind(f".//section[@id='{section}']//path")
    return [path.attrib["class"] for path in paths if "line" in path.attrib["class"].split()]


def test_both_runs_have_a_curve_in_each_panel_and_a_name() -> None:
    main = body_of(comparison_page(a_run("v1", passed()), a_run("v2", inconclusive())))

    assert lines(main, "course") == ["series line stroke-0", "series line stroke-1"] * 3
    assert lines(main, "distribution") == ["series line stroke-0", "series line stroke-1"]
    legend = main.find(".//section[@id='course']//ul[@class='legend']")
    assert legend is not None
    assert ["".join(entry.itertext()) for entry in legend] == ["v1", "v2"]


def test_the_figures_of_both_stand_side_by_side_with_their_difference() -> None:
    main = body_of(comparison_page(a_run("v1", passed()), a_run("v2", failed())))

    rows = {
        "".join(row[0].itertext()): ["".join(cell.itertext()) for cell in row[1:]]
        for row in main.iterfind(".//section[@id='figures']//tbody/tr")
    }
    assert set(rows["response p95"][2]) & {"+", "-"}
    assert rows["health"][:2] == [str(each().summary.health.level) for each in (passed, failed)]
    assert "p95 < 20s" in "".join(main.find(".//section[@id='thresholds']").itertext())  # type: ignore[union-attr]


def test_a_run_without_a_load_or_a_time_series_is_said_to_have_none() -> None:
    page = comparison_page(ComparedRun("v1", refused().summary), ComparedRun("v2", refused().summary))

    assert "The first run loaded nothing" in page
    assert "Neither run has a time series." in page


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a&b"])
def test_names_never_become_markup(name: str) -> None:
    summary = structs.replace(passed().summary, name=name)
    page = comparison_page(ComparedRun(name, summary, passed().rows), a_run("v2", passed()))

    assert "<script" not in page
    assert name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in page
