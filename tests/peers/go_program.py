"""Programs that are built from a Go module of ours, which pins what it needs."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from localcluster.build import module_versions
from localcluster.go import BuildError, find_go
from peers.provided import PeerMissingError, Report, provided, run

_ENVIRONMENT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
Finish = Callable[[Path, Mapping[str, str], Callable[[str], None]], None]


def go_program(
    name: str, packages: int, flags: Sequence[str] = (), finish: Finish | None = None, package: str = "."
) -> Path:
    """Return the program of the module NAME_module, building it at the first use; raises PeerMissingError without Go.

    `package` is what is built; a program of another module is named as a tool in ours.

    `packages` is about how many a build from an empty cache compiles; only the progress line uses it.
    `finish(folder, environment, news)` puts more beside the program, by commands in the module's folder that find Go.
    Not to be called inside a running event loop.
    """
    module = module_of(name)

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

        environment = {**_ENVIRONMENT, "PATH": f"{go.parent}{os.pathsep}{os.environ['PATH']}"}
        command = ["go", "build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly", *flags]
        run([*command, "-o", str(home / name), package], module, environment, news)
        if finish is not None:
            finish(home, environment, news)

    return provided(name, module, "", build) / name


def module_of(name: str) -> Path:
    """The folder of a module of ours."""
    return Path(__file__).with_name(f"{name}_module")
