"""The app's configuration."""

from django.apps import AppConfig
from django.core import checks

from loadtest_guard.system_checks import check_guard


class LoadTestGuardConfig(AppConfig):
    """The guard: settings in LOADTEST_GUARD, a middleware, a decorator, a read-back and commands."""

    name = "loadtest_guard"
    verbose_name = "Load test guard"

    def ready(self) -> None:
        """Register the system checks."""
        checks.register(check_guard)
