"""docs/your-own-service.md, step by step: a project that django-admin makes, from its first answer to a proven run.

The commands are the guide's own. Only ports and places are others, and the interpreter is the one of the tests.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from localcluster.choice import ClusterKind, cluster_kind
from localcluster.installation import REPOSITORY
from localcluster.ports import free_port
from peers import django_peer
from peers.readers_of_status import kubectl
from postgresql_server import postgresql_server
from support.guide_steps import Addition, Command, File, Step, steps_by_section

pytestmark = pytest.mark.timeout(600)

GUIDE = REPOSITORY / "docs" / "your-own-service.md"
SECTIONS = steps_by_section(GUIDE)
PORT = "8000"
READY_SECONDS = 60.0
POSTGRESQL = """
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "{url.username}",
        "HOST": "{url.hostname}",
        "PORT": "{url.port}",
    }}
}}
"""
READ_BACK = "/load-test/customers.Customer/count/"


@dataclass
class Service:
    """The reader's folder, and the server in it."""

    folder: Path
    port: int
    server: "subprocess.Popen[bytes] | None" = None
    kubeconfig: Path | None = None
    exports: dict[str, str] = field(default_factory=dict)

    def take(self, step: Step) -> str:
        """Do what one step says; return what a command printed. A command that fails is an error."""
        match step:
            case File(path, content):
                (self.folder / path).write_text(content.replace(PORT, str(self.port)))
            case Addition(path, content):
                with (self.folder / path).open("a") as file:
                    file.write(content.replace(PORT, str(self.port)))
            case Command(line):
                if line.startswith("export "):
                    name, _, value = line.removeprefix("export ").partition("=")
                    self.exports[name] = self.take(Command(f"echo {value}")).strip()
                    return ""
                if "runserver" in line:
                    self._serve(line)
                    return ""
                process = self.run(line)
                assert process.returncode == 0, f"{line}\n{process.stdout}{process.stderr}"
                return process.stdout
        return ""

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line.replace(PORT, str(self.port))],
            check=False,
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=300,
        )

    def count(self) -> int:
        """The stored rows, as the guard's read-back tells them."""
        url = f"http://127.0.0.1:{self.port}{READ_BACK}"
        headers = {"Authorization": f"LoadTest {self.exports['AUTH_TOKEN']}"}
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return int(json.load(answer)["count"])

    def end(self) -> None:
        if self.server is not None:
            # The reloader and the server that it started.
            os.killpg(self.server.pid, signal.SIGKILL)
            self.server.wait()

    def _serve(self, line: str) -> None:
        with (self.folder / "server.log").open("wb") as log:
            self.server = subprocess.Popen(
                line.replace(PORT, str(self.port)).split(),
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
                executable=sys.executable,
            )

    def _environment(self) -> dict[str, str]:
        programs = [str(Path(sys.executable).parent), str(kubectl().parent), os.environ["PATH"]]
        cluster = {"KUBECONFIG": str(self.kubeconfig)} if self.kubeconfig else {}
        return {**os.environ, "PATH": os.pathsep.join(programs), **cluster, **self.exports}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def status_of(url: str) -> int | None:
    """The status of the answer to a GET; None where nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service after steps 1 and 2, with the manifest of step 3."""
    port = free_port()
    service = Service(tmp_path_factory.mktemp("shop"), port)
    try:
        for step in SECTIONS["1. The service"]:
            service.take(step)
        # It has no view at its root.
        until(lambda: status_of(f"http://127.0.0.1:{port}/") == 404)
        (manifest,) = (step for step in SECTIONS["3. The test"] if isinstance(step, File))
        service.take(manifest)
        yield service
    finally:
        service.end()


@pytest.fixture(scope="module")
def changed_service(service: Service) -> Service:
    for step in SECTIONS["2. The change"]:
        service.take(step)
    # The read-back is there once the server has loaded the project again, and wants a token.
    until(lambda: status_of(f"http://127.0.0.1:{service.port}{READ_BACK}") == 403)
    return service


@pytest.fixture(scope="module")
def proven_service(changed_service: Service) -> Service:
    """The service with a row in it, and the manifest that demands the proof."""
    for step in SECTIONS["5. The proof"][:-1]:
        output = changed_service.take(step)
        if isinstance(step, Command) and "loadtest_verify" in step.line:
            assert "level Proven" in output
    return changed_service


def test_the_view_as_it_was_is_not_loaded(service: Service) -> None:
    service.exports["AUTH_TOKEN"] = "the service wants none yet"
    process = service.run("loadgen verify -f loadtest.yaml")

    assert process.returncode == 3
    assert "load_test_mode" in process.stdout
    assert "header-only" in process.stdout


def test_the_changed_view_is_verified_and_shows_the_records_of_the_test(changed_service: Service) -> None:
    sample, verify = [changed_service.take(step) for step in SECTIONS["3. The test"] if isinstance(step, Command)]

    assert sample.splitlines()[0] == "number,first_name,last_name,email,plan"
    assert "level Echoed" in verify
    assert changed_service.count() == 0


def test_a_view_with_names_of_its_own_is_verified_once_the_test_says_them(changed_service: Service) -> None:
    view, manifest = changed_service.folder / "customers" / "views.py", changed_service.folder / "loadtest.yaml"
    view_text, text = view.read_text(), manifest.read_text()
    renamed = view_text.replace('FILES["file"]', 'FILES["upload"]').replace('"processed_count"', '"imported"')
    (url_line,) = re.findall(r"^    url: .*/upload/$", text, re.MULTILINE)
    try:
        view.write_text(renamed)
        # The server takes a moment to load the view again.
        until(lambda: "spec.target.fileField" in changed_service.run("loadgen verify -f loadtest.yaml").stdout)
        manifest.write_text(text.replace(url_line, f"{url_line}\n    fileField: upload"))
        uncounted = changed_service.run("loadgen verify -f loadtest.yaml")
        manifest.write_text(
            text.replace(url_line, f"{url_line}\n    fileField: upload\n    response: {{count: imported}}")
        )
        verified = changed_service.run("loadgen verify -f loadtest.yaml")
    finally:
        view.write_text(view_text)
        manifest.write_text(text)
        until(lambda: changed_service.run("loadgen verify -f loadtest.yaml").returncode == 0)

    assert "is that the count? Set spec.target.response.count" in " ".join(uncounted.stdout.split())
    assert "level Echoed" in verified.stdout


def test_the_first_run_passes(changed_service: Service) -> None:
    (run,) = SECTIONS["4. The first verdict"]

    output = changed_service.take(run)

    assert re.search(r"Verdict +Passed\nProof +Echoed", output)
    assert changed_service.count() == 0


def test_a_count_proves_it(proven_service: Service) -> None:
    output = proven_service.take(SECTIONS["5. The proof"][-1])

    assert re.search(r"Verdict +Passed\nProof +Proven", output)
    assert proven_service.count() == 1


def test_the_same_on_postgresql_is_proven_by_one_command(tmp_path: Path) -> None:
    port = free_port()
    # The driver, and Django again.
    packages = str(django_peer("5.2").packages)
    folder = tmp_path / "shop"
    folder.mkdir()
    shop = Service(folder, port, exports={"PYTHONPATH": packages})
    with postgresql_server() as url:
        database = urlsplit(url)
        try:
            for step in [*SECTIONS["1. The service"], *SECTIONS["2. The change"], *SECTIONS["3. The test"]]:
                if isinstance(step, Command) and step.line.startswith(("python manage.py runserver", "loadgen")):
                    continue
                shop.take(step)
                if isinstance(step, Command) and step.line.startswith("django-admin startproject"):
                    shop.take(Addition("shop/settings.py", POSTGRESQL.format(url=database)))
            shop.take(Command("python manage.py migrate"))
            shop.take(Command("python manage.py runserver 8000"))
            until(lambda: status_of(f"http://127.0.0.1:{port}{READ_BACK}") == 403)
            _file, _curl, verify = (step for step in SECTIONS["5. The proof"][:3])
            shop.take(_file)
            shop.take(_curl)

            assert "level Proven" in shop.take(verify)

            run = shop.take(Command("loadgen run -f loadtest.yaml --duration 3s"))
            assert re.search(r"Verdict +Passed\n", run)
            assert shop.count() == 1
        finally:
            shop.end()


@pytest.mark.cluster
def test_a_local_cluster_loads_it_from_its_pods(proven_service: Service, tmp_path: Path) -> None:
    if cluster_kind() is not ClusterKind.LOCAL:
        pytest.skip("only pods of the process node share the network of this machine")
    make, export, *commands = (step.line for step in SECTIONS["6. From a cluster"] if isinstance(step, Command))
    target = make.removeprefix("make cluster TARGET=").replace(PORT, str(proven_service.port))
    assert export == "export KUBECONFIG=$PWD/.cluster/kubeconfig"
    state = tmp_path / "state"
    localcluster = [sys.executable, "-m", "localcluster"]
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    try:
        subprocess.run([*localcluster, "up", str(state), "--target", target], check=True, env=variables, timeout=400)
        proven_service.kubeconfig = state / "kubeconfig"

        _secret, _apply, _wait, get, logs, describe = [proven_service.take(Command(line)) for line in commands]

        assert re.search(r"customers +light +Completed .* Passed ", get)
        assert '"event": "ended"' in logs
        assert "Proven" in describe
        assert "records_per_second" in proven_service.take(Command("kubectl explain loadtest.spec.thresholds"))
        assert proven_service.count() == 1
        assert yaml.safe_load((state / "loadtest.yaml").read_text())["spec"]["target"]["url"] == target
    finally:
        subprocess.run([*localcluster, "down", str(state)], check=True, env=variables, timeout=60)
