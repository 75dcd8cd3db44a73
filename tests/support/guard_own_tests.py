"""The guard's own tests, each run in a process of its own, since a process has one Django."""

import os
import subprocess

import pytest

from localcluster.installation import REPOSITORY
from peers import DjangoPeer, PeerMissingError, django_peer


def peer_or_skip(version: str) -> DjangoPeer:
    """Return this version of Django, or skip the test with the reason."""
    try:
        return django_peer(version)
    except PeerMissingError as error:
        pytest.skip(str(error))


def run_own_tests(version: str, url: str) -> str:
    """Run the tests on SQLite, or on the PostgreSQL at this URL; return what they print."""
    peer = peer_or_skip(version)
    # The newest Django may need another Python, in which nothing of the checkout is installed.
    path = [peer.packages, *(REPOSITORY / folder for folder in ("model", "live", "loadgen"))]
    process = subprocess.run(
        [peer.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "integrations/django/tests"],
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "GUARD_POSTGRESQL": url},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stdout[-8000:] + process.stderr[-2000:]
    return process.stdout
