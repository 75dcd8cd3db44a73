"""`manage.py loadtest_fields app.Model`: columns for load tests like the fields of a model."""

import argparse
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError

from loadtest_guard.fields_text import fields_text
from loadtest_guard.model_fields import model_columns


class Command(BaseCommand):
    """Prints YAML for `loadgen --fields`. No row of the database is read."""

    help = "Print columns for load tests like the fields of a model, for `loadgen --fields`."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the model and --only."""
        parser.add_argument("model", metavar="app.Model")
        parser.add_argument(
            "--only", metavar="NAME,NAME", default="", help="these fields in this order (default: all that are filled)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the columns."""
        label = options["model"]
        names = [name.strip() for name in options["only"].split(",") if name.strip()]
        if label.count(".") != 1:
            raise CommandError(f"the model is {label!r}; write it as app.Model")
        try:
            model = apps.get_model(label)
            columns = model_columns(model, names)
        except (LookupError, ValueError) as error:
            raise CommandError(str(error)) from error
        if not columns:
            raise CommandError(f"{label} has no field that an upload fills")
        heading = (
            f"Columns like the fields of {model._meta.label}, for files whose header has their names.\n"
            "Look at them with: loadgen sample --fields FILE. In a manifest this stands under spec."
        )
        self.stdout.write(fields_text(columns, heading), ending="")
