"""Ways to start a program in another world than the test's, and the reasons why a machine may not allow it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

USER = 65_532
"""The user of both programs in their image; no machine that runs tests should know it by name."""


def as_an_unknown_user() -> list[str]:
    """What to put before a command so that it runs as a user that no passwd file knows.

    Its files are seen as the test sees them. Skips the test where the machine allows no such thing.
    """
    mapped = ["unshare", "--user", f"--map-user={USER}", f"--map-group={USER}"]
    if _works(mapped):
        return mapped
    if os.geteuid() == 0 and shutil.which("setpriv"):
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    pytest.skip("neither root nor user namespaces: no process can be given another user")


def on_a_machine_of_its_own(port: int, path: str, *, ipv6: bool) -> list[str]:
    """What to put before a server's command to learn as which of the loopback addresses its port is reached.

    It runs in a network namespace with nothing but the loopback, and prints the addresses that gave 200 for `path`.
    Skips the test where the machine allows no such thing.
    """
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    if not _works(alone):
        pytest.skip("no user namespaces: no process can be given a network of its own")
    script = Path(__file__).with_name("reached.py")
    return [*alone, sys.executable, str(script), str(port), path, "on" if ipv6 else "off"]


def _works(prefix: list[str]) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    return subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0
