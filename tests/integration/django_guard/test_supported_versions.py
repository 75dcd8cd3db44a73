"""The guard's own tests, with each version of Django that it supports, on SQLite and on PostgreSQL."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.installation import REPOSITORY
from peers import DJANGO_VERSIONS, PeerMissingError, django_packages
from postgresql_server import postgresql_server

GUARD = REPOSITORY / "integrations" / "django"


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


def run_own_tests(version: str, url: str) -> str:
    """Run them in a process of their own, since a process has one Django; return what they print."""
    try:
        packages = django_packages(version)
    except PeerMissingError as error:
        pytest.skip(str(error))
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "integrations/django/tests"],
        check=False,
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(packages), "GUARD_POSTGRESQL": url},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stdout[-8000:] + process.stderr[-2000:]
    return process.stdout


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
    try:
        packages = django_packages("5.2")
    except PeerMissingError as error:
        pytest.skip(str(error))
    for name in ("django", "asgiref", "sqlparse", "typing_extensions.py"):
        (tmp_path / name).symlink_to(packages / name)
    code = (
        "from django.conf import settings; settings.configure(INSTALLED_APPS=['loadtest_guard'], ROOT_URLCONF='u');"
        "import django; django.setup(); import loadtest_guard.middleware, loadtest_guard.urls"
    )
    subprocess.run([sys.executable, "-S", "-c", code], check=True, env={"PYTHONPATH": f"{tmp_path}{os.pathsep}{GUARD}"})
