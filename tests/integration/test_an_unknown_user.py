"""A container's user need be in no passwd file, and have no home: the programs ask for neither."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from example_server import example_server
from loadtest_model.measurement.snapshot import PodState
from support.isolation import USER, unknown_user_prefix
from support.loadgen_plans import make_plan
from support.loadgen_pods import pod_process

HOMES = pytest.mark.parametrize("home", [{}, {"HOME": "/"}], ids=["no home", "the root as home"])


def test_the_user_of_these_tests_is_known_to_nobody() -> None:
    asked = "import getpass, os; print(os.getuid()); getpass.getuser()"
    done = subprocess.run(
        [*unknown_user_prefix(), sys.executable, "-c", asked], check=False, capture_output=True, text=True, env={}
    )

    assert done.stdout == f"{USER}\n"
    assert done.returncode != 0, "it has a name"


@HOMES
async def test_a_loadgen_pod_needs_neither_a_name_nor_a_home(home: dict[str, str], tmp_path: Path) -> None:
    plan = make_plan("http://127.0.0.1:9/")
    async with pod_process(plan, tmp_path, prefix=unknown_user_prefix(), inherited={**home}) as pod:
        snapshot = await pod.snapshot()
        pod.send_signal(signal.SIGTERM)
        await pod.until_exited()

        assert snapshot.state is PodState.WAITING
        assert pod.last_word().final


@HOMES
def test_the_example_target_needs_neither_a_name_nor_a_home(home: dict[str, str], tmp_path: Path) -> None:
    with example_server(tmp_path, home, prefix=unknown_user_prefix()) as server:
        assert server.upload(b"client_id,first_name,last_name,email\n", load_test=True).status == 200
