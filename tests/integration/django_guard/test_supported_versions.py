"""The guard's own tests, with each version of Django that it supports, on SQLite and on PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.installation import REPOSITORY
from peers import DJANGO_VERSIONS
from postgresql_server import postgresql_server
from support.guard_own_tests import peer_or_skip, run_own_tests

GUARD = REPOSITORY / "integrations" / "django"


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.mark.parametrize("version", DJANGO_VERSIONS)
def test_the_guard_keeps_its_promises_on_sqlite(version: str) -> None:
    assert " passed" in run_own_tests(version, "")


@pytest.mark.parametrize("version", DJANGO_VERSIONS)
def test_the_guard_keeps_its_promises_on_postgresql(version: str, postgresql_url: str) -> None:
    assert " passed" in run_own_tests(version, postgresql_url)


def test_the_versions_that_the_package_names_are_those_that_are_tested() -> None:
    text = (GUARD / "pyproject.toml").read_text()

    assert [f"Framework :: Django :: {version}" in text for version in DJANGO_VERSIONS] == [True] * 3
    assert f'"django>={DJANGO_VERSIONS[0]}"' in text


def test_the_package_needs_django_alone(tmp_path: Path) -> None:
    """Its modules are imported where nothing but Django's packages can be."""
    packages = peer_or_skip("5.2").packages
    for name in ("django", "asgiref", "sqlparse", "typing_extensions.py"):
        (tmp_path / name).symlink_to(packages / name)
    code = (
        "from django.conf import settings; settings.configure(INSTALLED_APPS=['loadtest_guard'], ROOT_URLCONF='u');"
        "import django; django.setup(); import loadtest_guard.middleware, loadtest_guard.urls"
    )
    subprocess.run([sys.executable, "-S", "-c", code], check=True, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{GUARD}"})
