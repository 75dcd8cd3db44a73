"""`kubectl port-forward` comes to a pod by its loopback, of either family: what people call listens there, too."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from example_server import EXAMPLE
from loadtest_model.protocol.commands import CONTROL_PORT
from support.isolation import isolated_network_prefix
from support.loadgen_plans import make_plan
from support.loadgen_pods import pod_environment

NOT_POSSIBLE = 77
FAMILIES = pytest.mark.parametrize(
    ("ipv6", "addresses"),
    [(True, ["127.0.0.1", "127.0.0.2", "::1"]), (False, ["127.0.0.1", "127.0.0.2"])],
    ids=["both families", "IPv4 alone"],
)


def reached(
    command: list[str], port: int, path: str, *, ipv6: bool, variables: Mapping[str, str], folder: Path
) -> list[str]:
    """The loopback addresses at which the command serves."""
    prefix = isolated_network_prefix(port, path, ipv6=ipv6)
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(
        [*prefix, *command], check=False, capture_output=True, text=True, env=environment, cwd=folder, timeout=120
    )
    if done.returncode == NOT_POSSIBLE:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


OPERATOR = [str(Path(sys.executable).with_name("loadtest-operator")), "run"]


def operator_variables(folder: Path, **settings: str) -> dict[str, str]:
    """The environment of an operator whose API server is away."""
    nobody = {"clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:9"}}], "current-context": "a"}
    (folder / "kubeconfig").write_text(
        json.dumps({**nobody, "contexts": [{"name": "a", "context": {"cluster": "a", "user": ""}}], "users": []})
    )
    return {"KUBECONFIG": str(folder / "kubeconfig"), "LOADTEST_IMAGE": "any", **settings}


@FAMILIES
def test_the_operator_is_reached_at_every_address(ipv6: bool, addresses: list[str], tmp_path: Path) -> None:
    variables = operator_variables(tmp_path)

    assert reached(OPERATOR, 8080, "/healthz", ipv6=ipv6, variables=variables, folder=tmp_path) == addresses


@FAMILIES
def test_the_live_pages_are_reached_inside_the_pod_alone_unless_they_are_exposed(
    ipv6: bool, addresses: list[str], tmp_path: Path
) -> None:
    inside = operator_variables(tmp_path, LOADTEST_UI_PORT="8082")
    exposed = {**inside, "LOADTEST_UI_HOST": ""}

    assert reached(OPERATOR, 8082, "/page.css", ipv6=ipv6, variables=inside, folder=tmp_path) == ["127.0.0.1"]
    assert reached(OPERATOR, 8082, "/page.css", ipv6=ipv6, variables=exposed, folder=tmp_path) == addresses


@FAMILIES
def test_the_example_target_is_reached_at_every_address(ipv6: bool, addresses: list[str], tmp_path: Path) -> None:
    variables = {"BIND": "*:8000", "SQLITE_PATH": str(tmp_path / "db.sqlite3"), "ALLOWED_HOSTS": "*"}
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "config.wsgi"]

    assert reached(command, 8000, "/healthz", ipv6=ipv6, variables=variables, folder=EXAMPLE) == addresses


def test_a_pods_commands_are_taken_at_its_own_address_alone(tmp_path: Path) -> None:
    variables = pod_environment(make_plan("http://127.0.0.1:9/"), tmp_path, ip="127.0.0.2")
    command = [sys.executable, "-m", "loadgen.cli.main", "pod"]

    found = reached(command, CONTROL_PORT, "/healthz", ipv6=True, variables=variables, folder=tmp_path)

    assert found == ["127.0.0.2"]
