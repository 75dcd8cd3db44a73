"""Ways to start a program in another world than the test's, and the reasons why a machine may not allow it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

USER = 65_532
"""The user of both programs in their image; no machine that runs tests should know it by name."""


def unknown_user_prefix() -> list[str]:
    """What to put before a command so that it runs as a user that no passwd file knows.

    Its files are seen as the test sees them. Skips the test where the machine allows no such thing.
    """
    user_prefix = ["unshare", "--user", f"--map-user={USER}", f"--map-group={USER}"]
    if _works(user_prefix):
        return user_prefix
    if os.geteuid() == 0 and shutil.which("setpriv"):
        return ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    pytest.skip("neither root nor user namespaces: no process can be given another user")


def isolated_network_prefix(port: int, path: str, *, ipv6: bool) -> list[str]:
    """What to put before a server's command to learn as which of the loopback addresses its port is reached.

    It runs in a network namespace with nothing but the loopback, and prints the addresses that gave 200 for `path`.
    Skips the test where the machine allows no such thing.
    """
    network_prefix = ["unshare", "--user", "--map-root-user", "--net"]
    if not _works(network_prefix):
        pytest.skip("no user namespaces: no process can be given a network of its own")
    script = Path(__file__).with_name("listening_addresses.py")
    return [*network_prefix, sys.executable, str(script), str(port), path, "on" if ipv6 else "off"]


def _works(prefix: list[str]) -> bool:
    if shutil.which(prefix[0]) is None:
        return False
    return subprocess.run([*prefix, "true"], check=False, capture_output=True).returncode == 0
