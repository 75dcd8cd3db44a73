"""A Python that is newer than that of the tests: Debian's own, from the release that the images are made from.

It runs from a folder in the user's cache, with its own C library, so it touches nothing of the machine's.
"""

import platform
import subprocess
import sys
from pathlib import Path

from localcluster.images import ImageError, base_archive
from localcluster.packages import PackageError, install_missing
from peers.provided import PeerMissingError, Report, provided

_SCRIPT = """#!/bin/sh
PYTHONHOME={usr} exec {loader} --library-path {usr}/lib/{machine}-linux-gnu {usr}/bin/python3 "$@"
"""


def python_from(oldest: tuple[int, int]) -> Path:
    """Return the Python of the tests if it is new enough, else Debian's.

    Raises PeerMissingError where there is none: Debian's needs Linux, and root for the first time.
    """
    if sys.version_info >= oldest:
        return Path(sys.executable)
    python = provided("debian-python", None, Path(__file__).read_text("utf-8"), _unpack) / "python"
    command = [str(python), "-c", "import sys; print(*sys.version_info[:2])"]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if tuple(map(int, found)) < oldest:
        raise PeerMissingError(f"Python {'.'.join(map(str, oldest))} is needed, and Debian has {'.'.join(found)}")
    return python


def _unpack(home: Path, report: Report) -> None:
    try:
        # debootstrap only suggests the keys that it checks Debian with.
        install_missing(("debootstrap",), also=("debian-archive-keyring",))
        archive = base_archive(home, report)
    except (PackageError, ImageError, OSError) as error:
        raise PeerMissingError(f"there is no newer Python: {error}") from error
    subprocess.run(["tar", "--extract", f"--file={archive}", f"--directory={home}", "./usr"], check=True)
    usr = home / "usr"
    loader = next(usr.glob("lib*/ld-linux-*"))
    script = home / "python"
    script.write_text(_SCRIPT.format(usr=usr, loader=loader, machine=platform.machine()))
    script.chmod(0o755)
