"""`loadgen compare`: two runs side by side, from their files."""

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from loadgen.local.saved_runs import saved_run
from loadgen.local.whole_files import write_whole
from loadgen.options.errors import UsageError
from loadgen.screen.comparison import comparison_lines
from loadgen.screen.drawing import terminal_width, wants_colour
from loadgen.screen.texts import fit_to_width
from loadtest_model.pages.comparison_page import comparison_page
from loadtest_model.protocol.exits import ExitStatus


def run_compare(options: argparse.Namespace) -> int:
    """Print two runs side by side, and write them as a page if that is asked for. Raises UsageError."""
    first, second = saved_run(Path(options.first)), saved_run(Path(options.second))
    in_colour = wants_colour(sys.stdout, os.environ)
    lines = comparison_lines((first.name, second.name), (first.summary, second.summary), in_colour=in_colour)
    print(fit_to_width("\n".join(lines), terminal_width(sys.stdout)))
    if options.output is None and not options.open:
        return ExitStatus.PASSED
    path = Path(options.output or f"{first.name}_and_{second.name}.html")
    try:
        write_whole(path, comparison_page(first, second).encode())
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    print(path)
    if options.open and not webbrowser.open(path.absolute().as_uri()):
        print("note: no browser can be opened here; open the file by hand", file=sys.stderr)
    return ExitStatus.PASSED
