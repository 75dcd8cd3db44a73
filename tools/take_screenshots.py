"""Takes pictures of the report of tools/example_run with Chromium, in light, dark and narrow, into docs/screenshots.

They are no part of the repository: whatever shows them takes them when it is built.
"""

import sys
import tempfile
from pathlib import Path
from typing import Final

import msgspec
from playwright.sync_api import Browser

from loadtest_model.pages.report_page import report_page
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import rows_of_csv
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
        report = Path(temporary, "report.html")
        report.write_text(report_page(summary, rows), encoding="utf-8")
        for name, look in LOOKS.items():
            with open_page(browser, report.as_uri(), look) as opened:
                for part, is_whole in (("", False), ("_whole", True)):
                    file = folder / f"report_{name}{part}.png"
                    opened.page.screenshot(path=file, full_page=is_whole)
                    files.append(file)
    return files


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
