"""`manage.py loadtest_token`: a token that lets load tests in until it expires."""

import argparse
import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from loadtest_guard.guard_settings import guard_settings
from loadtest_guard.tokens import read_token, sign_token


class Command(BaseCommand):
    """Prints a token, and on standard error until when it lasts."""

    help = "Print a signed token that lets load tests in until it expires."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare --hours."""
        parser.add_argument("--hours", type=float, default=4.0, help="how long it lasts (default: 4)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the token."""
        settings, now = guard_settings(), time.time()
        try:
            text = sign_token(now, options["hours"] * 3600.0, settings)
        except ValueError as error:
            raise CommandError(str(error)) from error
        token = read_token(text, now, settings)
        until = datetime.fromtimestamp(token.expires, UTC)
        self.stderr.write(f"token {token.identity}, until {until:%Y-%m-%d %H:%M:%S} UTC")
        self.stdout.write(text)
