"""Prometheus and promtool, from their Debian package.

Building them from their Go module takes many minutes; fetching and unpacking the package takes seconds.
"""

import shutil
from pathlib import Path

from peers.debian_packages import unpacked

_PROGRAMS = ("prometheus", "promtool")


def prometheus_programs() -> tuple[Path, Path]:
    """Return Prometheus and promtool, those on the PATH if both are there; raises PeerMissingError without apt."""
    found = [shutil.which(name) for name in _PROGRAMS]
    if all(found):
        return Path(str(found[0])), Path(str(found[1]))
    programs = unpacked("prometheus") / "usr" / "bin"
    return programs / _PROGRAMS[0], programs / _PROGRAMS[1]
