"""Programs from Debian's packages, unpacked into the user's cache: nothing is installed, and no root is needed."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from peers.provided import PeerMissingError, Report, provided, run


def unpacked(*packages: str, finish: Callable[[Path], None] = lambda _home: None) -> Path:
    """Return the folder that these packages are unpacked in; `finish` is called with it once they are.

    Raises PeerMissingError without apt. What the packages depend on is not fetched.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise PeerMissingError(f"there is no apt-get to fetch {packages[0]}")

    def unpack(home: Path, report: Report) -> None:
        def news(line: str) -> None:
            report(f"fetching {packages[0]}, once: {line}")

        run(["apt-get", "--quiet", "download", *packages], home, {}, news)
        for archive in home.glob("*.deb"):
            run(["dpkg-deb", "--extract", str(archive), str(home)], home, {}, news)
            archive.unlink()
        finish(home)

    return provided(packages[0], None, " ".join(map(_candidate, packages)), unpack)


def _candidate(package: str) -> str:
    """The version that would be had, as apt knows it; its lists are fetched where they are not there."""
    for attempt in range(2):
        policy = subprocess.run(["apt-cache", "policy", package], capture_output=True, text=True, check=False).stdout
        version = next((line.split()[1] for line in policy.splitlines() if "Candidate:" in line), "(none)")
        if version != "(none)":
            return version
        if attempt == 0:
            subprocess.run(["apt-get", "--quiet", "update"], capture_output=True, check=False)
    raise PeerMissingError(f"apt knows no package {package}; `apt-get update` may help")
