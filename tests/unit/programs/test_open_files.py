"""Both programs may open as many connections as the system allows, whatever limit they are started with."""

import subprocess
import sys

import pytest

RAISERS = {
    "loadgen": "import asyncio; from loadgen.cli import event_loop; event_loop.run(asyncio.sleep(0))",
    "loadtest-operator": "from loadtest_operator.program import cli; cli._allow_many_connections()",
}
SHOW = "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"


@pytest.mark.parametrize("program", RAISERS)
def test_a_low_limit_of_open_files_is_raised(program: str) -> None:
    limit_code = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))"

    process = subprocess.run(
        [sys.executable, "-c", f"{limit_code}; {RAISERS[program]}; {SHOW}"], capture_output=True, text=True, check=True
    )

    assert process.stdout.split() == ["512", "512"]
