"""Versions of Django, each with what the guard's tests need beside it, in a folder for PYTHONPATH."""

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from peers.newer_python import python_from
from peers.provided import Report, provided, run

_LOCKS: Final = Path(__file__).with_name("django_environments")
_REPOSITORY: Final = Path(__file__).resolve().parents[2]
_OLDEST_PYTHON: Final = {"4.2": (3, 8), "5.2": (3, 10), "6.1": (3, 12)}
_TOOLS: Final = (
    *("pytest", "pytest-asyncio", "pytest-timeout", "iniconfig", "packaging", "pluggy", "pygments"),
    *("typing-extensions", "isal", "msgspec", "numpy", "pyyaml", "faker"),
)
"""What runs the tests, and what the generator's records need, which some of them read."""

DJANGO_VERSIONS: Final = tuple(_OLDEST_PYTHON)
"""Two that are supported for long, and the newest."""


@dataclass(frozen=True)
class DjangoPeer:
    """A version of Django in the folder `packages`, and the Python that runs it."""

    python: Path
    packages: Path


def django_peer(version: str) -> DjangoPeer:
    """Provide this version of Django, such as `5.2`, or `5.2-psycopg2` with the older driver of PostgreSQL.

    Its folder is filled at the first use.
    Where the Python of the tests is too old for it, another one runs it, and the folder has the tests' tools too.
    Raises PeerMissingError where it cannot be installed.
    """
    python = python_from(_OLDEST_PYTHON[version.partition("-")[0]])
    tools = "" if python == Path(sys.executable) else _locked_tools()

    def install(home: Path, report: Report) -> None:
        def news(line: str) -> None:
            report(f"installing Django {version}, once: {line}")

        def install_locked(lock: Path) -> None:
            pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-warn-script-location"]
            folder = ["--root-user-action", "ignore", "--target", str(home)]
            run([*pip, "--require-hashes", "--no-deps", *folder, "-r", str(lock)], home, {}, news)

        install_locked(_LOCKS / version / "requirements.lock")
        if tools:
            lock = home / "tools.lock"
            lock.write_text(tools, "utf-8")
            install_locked(lock)

    return DjangoPeer(python, provided(f"django-{version}", _LOCKS / version, _facts(python) + tools, install))


def _facts(python: Path) -> str:
    """What the packages of a Python are made for."""
    command = [str(python), "-c", "import sys, platform; print(sys.base_prefix, platform.python_version())"]
    process = subprocess.run(command, check=True, capture_output=True, text=True)
    return process.stdout.strip()


def _locked_tools() -> str:
    """The tools' part of the lock: each entry is a line with its name, and further lines that are indented."""
    lock = (_REPOSITORY / "requirements-dev.lock").read_text("utf-8")
    entries = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)
    return "".join(entry for entry in entries if entry.partition("=")[0] in _TOOLS)
