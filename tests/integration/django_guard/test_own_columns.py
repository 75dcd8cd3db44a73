"""A Django project with a model of eight columns of its own comes to a proof by two commands."""

import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.installation import REPOSITORY
from localcluster.ports import free_port

READY_SECONDS = 60.0
RECORDS_PAGE = (REPOSITORY / "docs" / "records.md").read_text()

MODELS = """
from django.db import models


class Machine(models.Model):
    serial_no = models.CharField(max_length=12, unique=True)
    maker = models.CharField(max_length=60)
    contact_mail = models.EmailField()
    hall = models.CharField(max_length=2, choices=[("N", "North"), ("S", "South")])
    hours_run = models.PositiveIntegerField()
    list_price = models.DecimalField(max_digits=9, decimal_places=2)
    serviced_on = models.DateField()
    leased = models.BooleanField()
"""

VIEWS = """
import csv
import io

from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from loadtest_guard import protect

from plant.models import Machine


@csrf_exempt
@protect
def upload(request):
    rows = list(csv.DictReader(io.TextIOWrapper(request.FILES["file"], encoding="utf-8", newline="")))
    for row in rows:
        machine = Machine(**row)
        machine.full_clean()
        machine.save()
    return JsonResponse({"processed_count": len(rows)})
"""

URLS = """
from django.urls import include, path

from plant import views

urlpatterns = [path("machines/", views.upload), path("load-test/", include("loadtest_guard.urls"))]
"""

SETTINGS = """
INSTALLED_APPS += ["loadtest_guard", "plant"]
MIDDLEWARE.insert(0, "loadtest_guard.middleware.LoadTestGuardMiddleware")
LOADTEST_GUARD = {"ENABLED": True, "READ_BACK": ["plant.Machine"]}
"""

ONE = """
from datetime import date
from plant.models import Machine
Machine.objects.create(serial_no="M-1", maker="Acme", contact_mail="a@example.com", hall="N", hours_run=1,
    list_price=1, serviced_on=date(2024, 1, 1), leased=False)
"""


def manage(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments], check=False, cwd=folder, capture_output=True, text=True, timeout=120
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project that django-admin makes, with the model, the view, the guard, and one row."""
    subprocess.run([sys.executable, "-m", "django", "startproject", "works", str(tmp_path)], check=True, timeout=60)
    assert manage(tmp_path, "startapp", "plant").returncode == 0
    for path, text in (("plant/models.py", MODELS), ("plant/views.py", VIEWS), ("works/urls.py", URLS)):
        (tmp_path / path).write_text(text)
    with (tmp_path / "works" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    for command in (["makemigrations", "plant"], ["migrate"], ["shell", "-c", ONE]):
        process = manage(tmp_path, *command)
        assert process.returncode == 0, process.stderr
    return tmp_path


@pytest.fixture
def url(project: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}/machines/"
    with (project / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"],
            cwd=project, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not answers(url):
            assert server.poll() is None, (project / "server.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield url
    finally:
        server.kill()
        server.wait()


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def test_a_model_of_eight_columns_is_proven_by_two_commands(project: Path, url: str) -> None:
    fields = manage(project, "loadtest_fields", "plant.Machine")
    (project / "fields.yaml").write_text(fields.stdout)
    verify = manage(project, "loadtest_verify", url, "--", "--fields", "fields.yaml")

    assert verify.returncode == 0, fields.stdout + verify.stdout + verify.stderr
    assert re.search(r"Verified +level Proven", verify.stdout)
    count = manage(project, "shell", "-c", "from plant.models import Machine; print('rows', Machine.objects.count())")
    assert "rows 1" in count.stdout


def test_the_two_commands_that_the_page_of_records_shows_for_a_model_prove_a_guarded_service(
    project: Path, url: str
) -> None:
    block = RECORDS_PAGE.partition("### From a Django model\n")[2].split("```")[1]
    commands = block.replace("customers.Customer", "plant.Machine").replace("http://127.0.0.1:8000/upload/", url)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = subprocess.run(
        ["bash", "-e"],
        check=False, cwd=project, input=commands, env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    assert process.returncode == 0, process.stdout + process.stderr
    assert "level Proven" in process.stdout
