"""Versions of Django, each with what the guard's tests need beside it, in a folder for PYTHONPATH."""

import platform
import sys
from pathlib import Path
from typing import Final

from peers.provided import PeerMissingError, Report, provided, run

_LOCKS: Final = Path(__file__).with_name("django_environments")
_OLDEST_PYTHON: Final = {"4.2": (3, 8), "5.2": (3, 10), "6.1": (3, 12)}

DJANGO_VERSIONS: Final = tuple(_OLDEST_PYTHON)
"""Two that are supported for long, and the newest."""


def django_packages(version: str) -> Path:
    """Return a folder with this version of Django; filled at the first use.

    Raises PeerMissingError where it cannot be installed, or needs a newer Python than this one.
    """
    oldest = _OLDEST_PYTHON[version]
    if sys.version_info < oldest:
        raise PeerMissingError(f"Django {version} needs Python {'.'.join(map(str, oldest))} or newer")

    def install(home: Path, report: Report) -> None:
        def news(line: str) -> None:
            report(f"installing Django {version}, once: {line}")

        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-warn-script-location"]
        lock = _LOCKS / version / "requirements.lock"
        run([*pip, "--require-hashes", "--no-deps", "--target", str(home), "-r", str(lock)], home, {}, news)

    return provided(f"django-{version}", _LOCKS / version, f"{sys.base_prefix} {platform.python_version()}", install)
