"""What the figures of a benchmark depend on."""

import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from peers import artillery, k6, locust_python, vegeta, wrk


def conditions() -> dict[str, Any]:
    """The day, the machine and the Python of a measurement."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{platform.system()} {platform.release()}, {_processor()}",
        "python": platform.python_version(),
    }


def versions() -> dict[str, str]:
    """The versions of what loadgen is built on, and of its peers. Raises PeerMissingError where a peer is missing."""
    return {
        "aiohttp": version("aiohttp"),
        "numpy": version("numpy"),
        "uvloop": version("uvloop"),
        "Locust": _output(str(locust_python()), "-m", "locust", "--version").split()[1],
        "Artillery": _artillery_version(),
        "k6": _output(str(k6()), "version").split()[1].removeprefix("v"),
        "vegeta": _module_version(vegeta()),
        "wrk": _output(str(wrk()), "--version").split()[1].removeprefix("debian/"),
    }


def _module_version(program: Path) -> str:
    """The version of the module that a Go program was built from."""
    module = next(line for line in _output("go", "version", "-m", str(program)).splitlines() if "\tmod\t" in line)
    return module.split()[2].removeprefix("v")


def _artillery_version() -> str:
    node, program = artillery()
    package = json.loads(Path(program).parents[1].joinpath("package.json").read_text("utf-8"))
    return f"{package['version']} on Node.js {_output(node, '--version').strip().removeprefix('v')}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "an unknown processor")


def _output(*command: str) -> str:
    # wrk says its version and fails, because it was not told what to load.
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
