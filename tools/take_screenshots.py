"""Takes pictures with Chromium, in light, dark and narrow, into docs/screenshots: of the report of tools/example_run,
and of the live page half way through the same run.

They are no part of the repository: whatever shows them takes them when it is built.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from playwright.sync_api import Browser

from loadtest_model.pages.live.assets import SCRIPT_NAME, STYLE_NAME, live_style
from loadtest_model.pages.live.head import Standing
from loadtest_model.pages.live.run import LoadFigures, load_view
from loadtest_model.pages.live.shell import live_page
from loadtest_model.pages.live.view import LiveView
from loadtest_model.pages.report_page import report_page
from loadtest_model.report.progress import RunProgress
from loadtest_model.report.status import Phase
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow, rows_of_csv
from localcluster.packages import PackageError
from support.browser import DARK, LIGHT, NARROW, chromium, open_page
from tools.committed_files import REPOSITORY
from tools.generate_picture import EXAMPLE

FOLDER: Final = REPOSITORY / "docs" / "screenshots"
LOOKS: Final = {"light": LIGHT, "dark": DARK, "narrow": NARROW}


def take_screenshots(browser: Browser, folder: Path) -> list[Path]:
    """Take each look of the first screen and of the whole page."""
    folder.mkdir(exist_ok=True)
    summary = msgspec.json.decode((EXAMPLE / "summary.json").read_bytes(), type=Summary)
    rows = rows_of_csv((EXAMPLE / "time_series.csv").read_text())
    files = []
    with tempfile.TemporaryDirectory() as temporary:
        report, live = Path(temporary, "report.html"), Path(temporary, "live.html")
        report.write_text(report_page(summary, rows), encoding="utf-8")
        live.write_text(live_page(half_way(summary, rows), "", ""), encoding="utf-8")
        Path(temporary, STYLE_NAME).write_text(live_style(), encoding="utf-8")
        # The picture stands still.
        Path(temporary, SCRIPT_NAME).write_text("", encoding="utf-8")
        for page in (report, live):
            for name, look in LOOKS.items():
                with open_page(browser, page.as_uri(), look) as opened:
                    for part, is_whole in (("", False), ("_whole", True)):
                        file = folder / f"{page.stem}_{name}{part}.png"
                        opened.page.screenshot(path=file, full_page=is_whole)
                        files.append(file)
    return files


def half_way(summary: Summary, rows: Sequence[SeriesRow]) -> LiveView:
    """The live page of a run when half of its load is over: its course is that of the first half."""
    middle = len(rows) // 2
    (step,) = summary.steps
    progress = RunProgress(
        elapsed_seconds=float(middle),
        total_seconds=float(len(rows)),
        is_foreseen=False,
        share=0.5,
        step=step.name,
        step_number=1,
        steps=1,
        stage_number=1,
        stages=1,
        virtual_users=rows[middle].virtual_users,
        in_flight=rows[middle].virtual_users,
        records_per_second=sum(row.records_answered for row in rows[middle - 10 : middle]) / 10,
        records_confirmed=sum(row.records_confirmed for row in rows[:middle]),
        p95_seconds=summary.response_time_seconds.p95,
        errors=0,
        error_rate=0.0,
        is_draining=False,
    )
    standing = Standing(
        name=summary.name,
        phase=Phase.RUNNING,
        message="",
        scenario=summary.scenario,
        since=summary.started_at or "",
        load=f"up to {step.virtual_users} virtual users",
    )
    return load_view(standing, LoadFigures(summary=summary, rows=rows[: middle + 1], progress=progress))


def main() -> int:
    try:
        with chromium() as browser:
            for file in take_screenshots(browser, FOLDER):
                print(file.relative_to(REPOSITORY))
    except PackageError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
