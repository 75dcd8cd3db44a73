"""Locust, in a virtual environment of its own."""

import platform
import sys
from pathlib import Path

from peers.provided import Report, provided, run

_LOCK = Path(__file__).with_name("locust_environment")


def locust_python() -> Path:
    """Return the Python that has Locust, and what our records need; made at the first use.

    Raises PeerMissingError where it cannot be installed.
    """
    return provided("locust", _LOCK, f"{sys.base_prefix} {platform.python_version()}", _install) / "bin" / "python"


def _install(home: Path, report: Report) -> None:
    def news(line: str) -> None:
        report(f"installing Locust, once: {line}")

    run([sys.executable, "-m", "venv", str(home)], home, {}, news)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]
    run([*pip, "-r", str(_LOCK / "requirements.lock")], home, {}, news)
