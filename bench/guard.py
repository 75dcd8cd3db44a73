"""What the hot paths cost in instructions, beside a committed baseline: a report, whatever it says.

`make bench-guard`, or `python -m bench.guard [--write]` with tests and tests/targets on PYTHONPATH. Instructions are
counted by valgrind, so other work on the machine changes little. They differ a little between machines, and more
between versions of Python and NumPy: the report names those of the baseline. A few per cent say nothing.
`--write` makes the measurement the new baseline.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

BASELINE: Final = Path(__file__).with_name("guard.json")
NOTED_SHARE: Final = 0.05
"""A difference from the baseline that the report points at."""

# The process that is counted calls this function before and after each path, and nothing else there does.
_MARKER: Final = "getppid"
_TOTALS: Final = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


class ValgrindMissingError(RuntimeError):
    """There is no valgrind."""


def count_instructions() -> dict[str, float]:
    """The instructions of one call of each path. Raises ValgrindMissingError, and RuntimeError if a path failed."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise ValgrindMissingError("valgrind is not installed; it counts the instructions")
    with tempfile.TemporaryDirectory(prefix="loadtest-guard-") as folder:
        options = ("--tool=callgrind", f"--dump-before={_MARKER}", f"--callgrind-out-file={folder}/out")
        counted = subprocess.run(
            [valgrind, *options, sys.executable, "-m", "bench.guarded_paths"],
            # Otherwise the order of dicts and sets, and with it the work, would differ from run to run.
            env={**os.environ, "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if counted.returncode:
            raise RuntimeError(counted.stderr[-3000:])
        dumps = sorted(Path(folder).glob("out.*"), key=lambda path: int(path.suffix[1:]))
        totals = [int(match[1]) for path in dumps if (match := _TOTALS.search(path.read_text()))]
    paths = json.loads(counted.stdout)
    # What precedes the first marker is the start of the process, and every other dump is what lies between two paths.
    return {name: total / calls for (name, calls), total in zip(paths, totals[1::2], strict=True)}


def conditions() -> dict[str, str]:
    """What the counts depend on."""
    return {
        "machine": platform.machine(),
        "Python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "aiohttp", "msgspec", "uvloop")},
    }


def report(counts: dict[str, float], baseline: dict[str, Any]) -> str:
    """The counts beside those of the baseline, as a Markdown table."""
    lines = [
        "| path | instructions | baseline | change |",
        "|---|---:|---:|---:|",
    ]
    for name, count in counts.items():
        before = baseline["instructions"].get(name)
        change = "new" if before is None else f"{count / before - 1:+.1%}"
        is_noted = before is None or abs(count / before - 1) > NOTED_SHARE
        cells = (
            name,
            f"{count:,.0f}",
            "" if before is None else f"{before:,.0f}",
            f"**{change}**" if is_noted else change,
        )
        lines.append(f"| {' | '.join(cells)} |")
    now, then = conditions(), baseline["conditions"]
    differences = [
        f"{name} {then.get(name)} then, {value} now" for name, value in now.items() if then.get(name) != value
    ]
    if differences:
        lines += ["", f"The baseline was measured elsewhere: {'; '.join(differences)}."]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="make this measurement the baseline")
    options = parser.parse_args(arguments)
    try:
        counts = count_instructions()
    except (ValgrindMissingError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    baseline = json.loads(BASELINE.read_text("utf-8")) if BASELINE.exists() else {"conditions": {}, "instructions": {}}
    print(report(counts, baseline), end="")
    if options.write:
        instructions = {name: round(count) for name, count in counts.items()}
        document = {"conditions": conditions(), "instructions": instructions}
        BASELINE.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
