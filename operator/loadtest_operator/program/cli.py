"""The command line: `loadtest-operator run` and `loadtest-operator --version`."""

import argparse
import asyncio
import gc
import os
import resource
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.release import installed_version
from loadtest_operator.messages.webhooks import WebhookFile, WebhooksError
from loadtest_operator.program.log import log_to_stderr
from loadtest_operator.program.settings import Settings, SettingsError, settings_from

_OPEN_FILES: Final = 65_536


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status (64: wrong usage or settings)."""
    parser = argparse.ArgumentParser(prog="loadtest-operator", description="Runs LoadTest resources.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {installed_version()}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="watch LoadTests and run them; settings come from the environment")
    try:
        parser.parse_args(arguments)
    except SystemExit as leaving:
        return ExitStatus.USAGE if leaving.code == 2 else int(leaving.code or 0)
    try:
        settings = settings_from(os.environ)
        WebhookFile(settings.webhooks_file).load()
    except WebhooksError as error:
        sys.stderr.write(f"loadtest-operator: the file of webhooks in LOADTEST_WEBHOOKS cannot be used: {error}\n")
        return ExitStatus.USAGE
    except SettingsError as error:
        sys.stderr.write(f"loadtest-operator: {error}\n")
        return ExitStatus.USAGE
    log_to_stderr(settings.log_level)
    _allow_many_connections()
    _ensure_home()
    return _run(settings)


def _allow_many_connections() -> None:
    """Container runtimes start programs with a limit of 1,024 open files: too few for a fleet of a thousand pods."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target_limit = min(hard, _OPEN_FILES) if hard != resource.RLIM_INFINITY else _OPEN_FILES
    if soft != resource.RLIM_INFINITY and soft < target_limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target_limit, hard))


def _ensure_home() -> None:
    """A container's user need not be in its passwd file, and the Kubernetes client asks for a home as it is loaded."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def _run(settings: Settings) -> int:
    # The Kubernetes client takes seconds to load, which --version should not cost.
    app = import_module("loadtest_operator.program.app")
    # What was imported stays. A look at a large fleet makes enough objects for several full collections a minute, and
    # each would walk through the whole Kubernetes client.
    gc.collect()
    gc.freeze()
    try:
        asyncio.run(app.run(settings))
    except KeyboardInterrupt:
        return 130
    except asyncio.CancelledError:
        # SIGTERM before there was anything to do.
        return 0
    return 0
