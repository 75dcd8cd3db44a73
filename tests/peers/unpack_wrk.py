"""wrk, from its Debian package, with the library of Lua that it needs."""

from pathlib import Path

from peers.debian_packages import unpacked

_SCRIPT = """#!/bin/sh
LD_LIBRARY_PATH={libraries} exec {home}/usr/bin/wrk "$@"
"""


def wrk() -> Path:
    """Return the program; raises PeerMissingError without apt."""
    return unpacked("wrk", "libluajit-5.1-2", finish=_write_script) / "wrk"


def _write_script(home: Path) -> None:
    (library,) = home.glob("usr/lib/*/libluajit-5.1.so.2")
    script = home / "wrk"
    script.write_text(_SCRIPT.format(libraries=library.parent, home=home))
    script.chmod(0o755)
