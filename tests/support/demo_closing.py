"""What the demo says and saves at its end, on whichever node it ran."""

import re
from pathlib import Path


def verdict_of_the_demo(folder: Path, text: str) -> str:
    """Check what a demo that ran in a folder told and saved there, and return its verdict."""
    verdict = re.search(r"^Verdict +(\w+)$", text, re.MULTILINE)
    assert verdict is not None, text
    assert "error_rate < 1%" in text, text
    assert "Rows in the target's database: 0 before, 0 after" in text, text
    results = folder / "load_test_results"
    (report,) = results.glob("*_report.html")
    assert text.rstrip().endswith(f"Report: load_test_results/{report.name}"), text
    assert f"<title>{verdict.group(1)}: demo · http" in report.read_text()
    assert sorted(path.name.split("_", 2)[2] for path in results.iterdir()) == [
        "junit.xml",
        "report.html",
        "summary.json",
        "summary.md",
        "time_series.csv",
    ]
    return verdict.group(1)
