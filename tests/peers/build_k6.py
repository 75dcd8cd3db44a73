"""k6, built from its Go module."""

import asyncio
import time
from pathlib import Path

from localcluster.build import BuildError, find_go, module_versions
from peers.provided import PeerMissingError, Report, provided, run

_MODULE = Path(__file__).with_name("k6_module")
# How many packages a build from an empty cache compiles; only the progress line uses this.
_PACKAGES = 780


def k6() -> Path:
    """Return the program, building it at the first use (some minutes); raises PeerMissingError without Go.

    Not to be called inside a running event loop.
    """
    return provided("k6", _MODULE, "", _build) / "k6"


def _build(home: Path, report: Report) -> None:
    try:
        go = asyncio.run(find_go(module_versions((_MODULE / "go.mod").read_text(encoding="utf-8"))["go"], report))
    except BuildError as error:
        raise PeerMissingError(str(error)) from error
    began, packages = time.monotonic(), 0

    def news(line: str) -> None:
        nonlocal packages
        packages += "/" in line and " " not in line
        report(f"building k6, once: {packages} of about {_PACKAGES} packages, {time.monotonic() - began:.0f} s")

    command = [str(go), "build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags=-s -w"]
    environment = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    run([*command, "-o", str(home / "k6"), "."], _MODULE, environment, news)
