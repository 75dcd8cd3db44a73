"""`make demo CLUSTER=node`, whose node has room for what anybody installs, with the requests of the manifests."""

import os
import subprocess
import sys
from pathlib import Path

from localcluster.installation import REPOSITORY
from localcluster.supervisor import RUN_DIR_PREFIX

DEMO_SECONDS = 280.0


def test_it_passes_says_that_nothing_was_stored_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "CLUSTER": "node", "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(temporary)}
    command = [sys.executable, "-m", "localcluster", "demo", str(REPOSITORY / "examples" / "loadtest-demo.yaml")]
    groups_before = control_groups()

    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=DEMO_SECONDS
    )

    said = done.stdout + done.stderr
    assert "Verdict: Passed" in said, said
    assert "+ 0 rejected + 0 unknown + 0 violation" in said
    assert "Rows in the target's database: 0 before, 0 after" in said
    assert len(list((tmp_path / "load_test_results").iterdir())) == 4
    assert list(temporary.glob(f"{RUN_DIR_PREFIX}*")) == []
    assert control_groups() <= groups_before


def control_groups() -> set[Path]:
    root = Path("/sys/fs/cgroup")
    return {*root.glob("loadtest-*"), *root.glob("*/loadtest-*")}
