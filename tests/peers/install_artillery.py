"""Artillery, installed by npm from a lock file, without what only its cloud services and its browser engine need."""

import shutil
from pathlib import Path

from peers.provided import PeerMissingError, Report, provided, run

_PACKAGE = Path(__file__).with_name("artillery_package")
_NODE = "node_modules/node-linux-*/bin/node"


def artillery() -> list[str]:
    """Return the command, installing it at the first use (460 MB); raises PeerMissingError without npm.

    The lock file has a Node.js too, because Artillery needs a newer one than many systems have.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise PeerMissingError("Artillery needs npm on the PATH")

    def install(home: Path, report: Report) -> None:
        report("installing Artillery, once: 460 MB, about a minute")
        for path in _PACKAGE.iterdir():
            shutil.copy(path, home)
        # No package may run a script of its own at its installation: none is needed.
        command = [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, home, {}, lambda line: report(f"installing Artillery, once: {line}"))
        if not list(home.glob(_NODE)):
            raise PeerMissingError("the lock file has a Node.js for Linux on x64 and arm64 only")

    home = provided("artillery", _PACKAGE, "", install)
    (node,) = home.glob(_NODE)
    return [str(node), str(home / "node_modules" / "artillery" / "bin" / "run")]
