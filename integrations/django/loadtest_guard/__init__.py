"""A guard for Django views: a load test runs through them, and nothing of it is stored."""

from loadtest_guard.active import is_load_test, processed
from loadtest_guard.errors import GuardRefusalError
from loadtest_guard.protection import protect

__all__ = ["GuardRefusalError", "is_load_test", "processed", "protect"]
