"""The report that `loadgen run` writes of a run against the example target, in a real browser."""

from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from playwright.sync_api import Browser

from example_server import UPLOAD_PATH, example_server
from loadtest_model.pages.report_page import LARGEST_REPORT_BYTES, report_title
from loadtest_model.report.summary import Summary
from support.browser import DARK, LIGHT, NARROW, Look, open_page
from support.local_runs import finished_loadgen, results_in

STAGES = ("--stage", "1s:1", "--stage", "2s:1", "--stage", "1s:3", "--stage", "2s:3")


@dataclass(frozen=True)
class FinishedRun:
    """What a run printed, and its files."""

    process: "CompletedProcess[str]"
    report: Path
    summary: Summary


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    folder = tmp_path_factory.mktemp("results")
    with example_server(tmp_path_factory.mktemp("target")) as server:
        url = f"http://127.0.0.1:{server.port}{UPLOAD_PATH}"
        process = finished_loadgen("run", "custom", "--batch-size", 200, *STAGES, "--url", url, "--out", folder)
    (report,) = folder.glob("*_report.html")
    return FinishedRun(process, report, results_in(folder).summary)


def test_the_report_is_named_first_among_the_files(run: FinishedRun) -> None:
    assert f"Files       {run.report}\n" in run.process.stdout
    assert run.report.stat().st_size <= LARGEST_REPORT_BYTES


@pytest.mark.parametrize("look", [LIGHT, DARK, NARROW], ids=str)
def test_the_report_of_a_real_run_is_accessible_and_fits(
    browser: Browser, axe: str, run: FinishedRun, look: Look
) -> None:
    with open_page(browser, run.report.as_uri(), look) as opened:
        assert opened.violations(axe) == []
        assert opened.overflow() <= 0
        assert opened.complaints == []
        assert opened.requests == [run.report.as_uri()]


def test_the_report_says_what_the_summary_says(browser: Browser, run: FinishedRun) -> None:
    with open_page(browser, run.report.as_uri()) as opened:
        summary = run.summary
        assert opened.page.title() == report_title(summary)
        assert opened.page.locator(".verdict-word").inner_text() == str(summary.verdict)
        figures = opened.page.locator("#figures").inner_text()
        assert f"{summary.records.confirmed:,}" in figures
        assert f"of {summary.requests.due:,} due" in figures
        assert opened.page.locator("#thresholds li").count() == len(summary.thresholds)
        assert opened.page.locator("#proof [aria-current]").inner_text().startswith(str(summary.verification.level))


def test_the_course_has_every_second_and_the_users_of_the_plan(browser: Browser, run: FinishedRun) -> None:
    with open_page(browser, run.report.as_uri()) as opened:
        opened.page.locator("#course summary").click()
        rows = opened.page.locator("#course tbody tr").all()
        cells = [row.locator("th, td").all_inner_texts() for row in rows]

        assert [row[0] for row in cells[:6]] == ["0s", "1s", "2s", "3s", "4s", "5s"]
        assert max(int(row[1]) for row in cells) == 3
        assert sum(int(row[2].replace(",", "")) for row in cells) == run.summary.requests.accepted
