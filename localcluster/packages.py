"""Programs of Debian packages that this machine needs to have, installed where they are missing."""

import os
import shutil
import subprocess
from collections.abc import Sequence


class PackageError(Exception):
    """The programs are not here and cannot be installed; the message says why."""


def install_missing(programs: Sequence[str], also: Sequence[str] = ()) -> None:
    """Install the programs that PATH lacks, each named as its Debian package, and with any of them `also`.

    Needs root where something is missing. Raises PackageError if it cannot be installed.
    """
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        install([*missing, *also])


def install(packages: Sequence[str]) -> None:
    """Install Debian packages, and remove none for them. Needs root. Raises PackageError if that cannot be done."""
    names = " and ".join(packages)
    if shutil.which("apt-get") is None:
        raise PackageError(f"{names} must be installed, and there is no apt-get to do it")
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "--quiet", "--yes"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = [*apt, "install", "--no-install-recommends", "--no-remove", *packages]
    # The lists of packages may be missing or too old; they are fetched only then.
    for command in (install, [*apt, "update"], install):
        process = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if command is install and process.returncode == 0:
            return
    raise PackageError(f"{names} cannot be installed: {process.stderr.strip()[-500:]}")
