"""Artillery, installed by npm from a lock file, without what only its cloud services and its browser engine need."""

import re
import shutil
import subprocess
from pathlib import Path

from peers.provided import PeerMissingError, Report, provided, run

_PACKAGE = Path(__file__).with_name("artillery_package")
_OLDEST_NODE = (18, 16, 1)


def artillery() -> list[str]:
    """Return the command, installing it at the first use (350 MB); raises PeerMissingError without Node.js and npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise PeerMissingError("Artillery needs node and npm on the PATH")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if tuple(int(part) for part in re.findall(r"\d+", said)[:3]) < _OLDEST_NODE:
        wanted = ".".join(map(str, _OLDEST_NODE))
        raise PeerMissingError(f"Artillery needs Node.js {wanted} or newer; {node} is {said or 'no Node.js'}")

    def install(home: Path, report: Report) -> None:
        report("installing Artillery, once: 350 MB, about a minute")
        for path in _PACKAGE.iterdir():
            shutil.copy(path, home)
        # No package may run a script of its own at its installation: none is needed.
        command = [npm, "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, home, {}, lambda line: report(f"installing Artillery, once: {line}"))

    home = provided("artillery", _PACKAGE, "", install)
    return [node, str(home / "node_modules" / "artillery" / "bin" / "run")]
