"""Prometheus and promtool, from their Debian package: nothing is installed, and no root is needed.

Building them from their Go module takes many minutes; fetching and unpacking the package takes seconds.
"""

import shutil
import subprocess
from pathlib import Path

from peers.provided import PeerMissingError, Report, provided, run

_PACKAGE = "prometheus"
_PROGRAMS = ("prometheus", "promtool")


def prometheus_programs() -> tuple[Path, Path]:
    """Return Prometheus and promtool, those on the PATH if both are there; raises PeerMissingError without apt."""
    found = [shutil.which(name) for name in _PROGRAMS]
    if all(found):
        return Path(str(found[0])), Path(str(found[1]))
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise PeerMissingError("there is no prometheus with promtool on the PATH, and no apt-get to fetch them")
    home = provided(_PACKAGE, None, _candidate(), _unpack)
    programs = home / "usr" / "bin"
    return programs / _PROGRAMS[0], programs / _PROGRAMS[1]


def _candidate() -> str:
    """The version that would be had, as apt knows it; its lists are fetched where they are not there."""
    for attempt in range(2):
        policy = subprocess.run(["apt-cache", "policy", _PACKAGE], capture_output=True, text=True, check=False).stdout
        version = next((line.split()[1] for line in policy.splitlines() if "Candidate:" in line), "(none)")
        if version != "(none)":
            return version
        if attempt == 0:
            subprocess.run(["apt-get", "--quiet", "update"], capture_output=True, check=False)
    raise PeerMissingError(f"apt knows no package {_PACKAGE}; `apt-get update` may help")


def _unpack(home: Path, report: Report) -> None:
    def news(line: str) -> None:
        report(f"fetching Prometheus, once: {line}")

    run(["apt-get", "--quiet", "download", _PACKAGE], home, {}, news)
    (package,) = home.glob("*.deb")
    run(["dpkg-deb", "--extract", str(package), str(home)], home, {}, news)
    package.unlink()
