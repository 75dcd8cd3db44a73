"""`manage.py loadtest_verify URL`: prove that the running service takes load tests and stores nothing of them."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.apps import apps
from django.core.checks import ERROR
from django.core.management.base import BaseCommand, CommandError
from django.db import router
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from loadtest_guard.guard_settings import GuardSettings, guard_settings
from loadtest_guard.protection import protection_of
from loadtest_guard.system_checks import check_guard
from loadtest_guard.tokens import sign_token

_TOKEN_SECONDS = 900.0
_TOKEN_VARIABLE = "LOAD_TEST_TOKEN"  # noqa: S105 - a variable's name


class Command(BaseCommand):
    """Looks at the project first, and then lets `loadgen verify` upload a few rows with a fresh token."""

    help = "Prove that the running service takes load tests and stores nothing of them. Needs loadgen."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the URL and what goes to loadgen."""
        parser.add_argument("url", help="where files are uploaded, such as http://127.0.0.1:8000/upload/")
        parser.add_argument("-f", "--file", help="a LoadTest manifest, for its columns and names")
        parser.add_argument(
            "--own-authorization",
            action="store_true",
            help="the service has an Authorization of its own: AUTH_TOKEN holds its token (loadgen's --auth-scheme"
            " Bearer), and the guard's goes as Load-Test-Token",
        )
        parser.add_argument("loadgen_options", nargs="*", help="after --: further options of `loadgen verify`")

    def handle(self, *args: Any, **options: Any) -> None:
        """Explain what is wrong in the project, else run the verification. The exit status is loadgen's."""
        settings = guard_settings()
        self._look_at_the_project(settings, options["url"])
        seconds = min(_TOKEN_SECONDS, settings.longest_token_seconds)
        token = sign_token(time.time(), seconds, settings)
        if options["own_authorization"]:
            sending, variables = ("--header-env", f"Load-Test-Token: {_TOKEN_VARIABLE}"), {_TOKEN_VARIABLE: token}
        else:
            sending, variables = ("--auth-scheme", "LoadTest"), {"AUTH_TOKEN": token}
        command = [
            *(_loadgen(), "verify", "--url", options["url"], *sending),
            *(("-f", options["file"]) if options["file"] else ()),
            *self._read_back_options(settings, options["url"]),
            *options["loadgen_options"],
        ]
        self.stdout.flush()
        process = subprocess.run(command, check=False, env={**os.environ, **variables})  # noqa: S603
        if process.returncode != 0:
            if not (options["file"] or options["loadgen_options"]):
                self.stderr.write(
                    "Options of loadgen go after --, such as `-- --file-field upload --count imported`. Names and"
                    " columns of the service may also stand in a manifest, given by -f."
                )
            sys.exit(process.returncode)

    def _look_at_the_project(self, settings: GuardSettings, url: str) -> None:
        if not settings.enabled:
            raise CommandError("LOADTEST_GUARD['ENABLED'] is not True, so every load test is refused")
        for message in check_guard(None):
            if message.level >= ERROR:
                raise CommandError(str(message))
            self.stderr.write(str(message))
        path = urlsplit(url).path or "/"
        try:
            view = resolve(path).func
        except Resolver404 as error:
            raise CommandError(f"the project has no view at {path}") from error
        if protection_of(view) is None:
            raise CommandError(f"the view at {path} is not protected; put @loadtest_guard.protect above it")

    def _read_back_options(self, settings: GuardSettings, url: str) -> list[str]:
        """Let the first model of READ_BACK prove it, where the project has the URL and the model has a row."""
        if not settings.read_back:
            self.stderr.write("LOADTEST_GUARD['READ_BACK'] names no model, so the service's word is all there is.")
            return []
        model = apps.get_model(settings.read_back[0])
        label, name = model._meta.app_label, model.__name__
        try:
            path = reverse("loadtest_guard:count", args=(label, name))
        except NoReverseMatch:
            self.stderr.write('The read-back needs path("load-test/", include("loadtest_guard.urls")) in the URLs.')
            return []
        if not model._base_manager.using(router.db_for_write(model)).exists():
            self.stderr.write(f"{label}.{name} has no row, so a count shows nothing. Store one, and verify again.")
            return []
        scheme, host, *_ = urlsplit(url)
        read_back = urlunsplit((scheme, host, path, "", ""))
        return ["--require", "proven", "--read-back", read_back, "--read-back-count", "count"]


def _loadgen() -> str:
    beside = Path(sys.executable).with_name("loadgen")
    program = str(beside) if beside.exists() else shutil.which("loadgen")
    if program is None:
        raise CommandError(
            "loadgen is not installed here: put .venv/bin of a checkout (which `make setup` makes) into PATH, or"
            " pip install loadtest-operator"
        )
    return program
