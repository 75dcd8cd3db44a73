"""Programs that are built from a Go module of ours, which pins what it needs."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from localcluster.build import module_versions
from localcluster.go import BuildError, find_go
from peers.provided import PeerMissingError, Report, provided, run


def go_program(name: str, packages: int, flags: Sequence[str] = ()) -> Path:
    """Return the program of the module NAME_module, building it at the first use; raises PeerMissingError without Go.

    `packages` is about how many a build from an empty cache compiles; only the progress line uses it.
    Not to be called inside a running event loop.
    """
    module = Path(__file__).with_name(f"{name}_module")

    def build(home: Path, report: Report) -> None:
        try:
            go = asyncio.run(find_go(module_versions((module / "go.mod").read_text(encoding="utf-8"))["go"], report))
        except BuildError as error:
            raise PeerMissingError(str(error)) from error
        began, compiled = time.monotonic(), 0

        def news(line: str) -> None:
            nonlocal compiled
            compiled += "/" in line and " " not in line
            report(f"building {name}, once: {compiled} of about {packages} packages, {time.monotonic() - began:.0f} s")

        command = [str(go), "build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly", *flags]
        environment = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
        run([*command, "-o", str(home / name), "."], module, environment, news)

    return provided(name, module, "", build) / name
