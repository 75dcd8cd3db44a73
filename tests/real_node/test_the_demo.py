"""`make demo CLUSTER=node`, whose node has room for what anybody installs, with the requests of the manifests."""

import os
import subprocess
import sys
from pathlib import Path

from localcluster.installation import REPOSITORY
from localcluster.supervisor import RUN_DIR_PREFIX
from support.demo_closing import verdict_of_the_demo

DEMO_SECONDS = 280.0


def test_it_passes_says_that_nothing_was_stored_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "CLUSTER": "node", "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "localcluster", "demo", str(REPOSITORY / "examples" / "loadtest-demo.yaml")]
    groups_before = control_groups()

    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=DEMO_SECONDS,
    )

    assert verdict_of_the_demo(tmp_path, done.stdout) == "Passed", done.stdout
    assert done.returncode == 0, done.stdout
    assert "accepted, 0 rejected, 0 unknown, 0 violation, 0 dropped" in done.stdout
    assert list(temporary.glob(f"{RUN_DIR_PREFIX}*")) == []
    assert control_groups() <= groups_before


def control_groups() -> set[Path]:
    root = Path("/sys/fs/cgroup")
    return {*root.glob("loadtest-*"), *root.glob("*/loadtest-*")}
