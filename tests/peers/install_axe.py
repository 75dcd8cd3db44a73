"""axe-core, the rules of accessibility that browsers' own tools apply, installed by npm from a lock file."""

import shutil
from pathlib import Path

from peers.provided import PeerMissingError, Report, provided, run

_PACKAGE = Path(__file__).with_name("axe_package")


def axe_core() -> Path:
    """Return the script to run in a page, installing it at the first use; raises PeerMissingError without npm."""
    npm = shutil.which("npm")
    if npm is None:
        raise PeerMissingError("axe-core needs npm on the PATH")

    def install(home: Path, report: Report) -> None:
        for path in _PACKAGE.iterdir():
            shutil.copy(path, home)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, home, {}, lambda line: report(f"installing axe-core, once: {line}"))

    return provided("axe", _PACKAGE, "", install) / "node_modules" / "axe-core" / "axe.min.js"
