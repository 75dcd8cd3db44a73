"""The benchmarks of the operator run as they are: their pods are subclasses of the generator's own."""

import subprocess
import sys

import pytest

SCRIPT = """
import asyncio
from bench.operator.scenarios import many_tests
from bench.operator.stage import stage

async def main():
    async with stage() as running_stage:
        for figure in await many_tests(running_stage, 2, 2):
            print(figure.name, "=", figure.value)

asyncio.run(main())
"""


@pytest.mark.cluster
def test_several_tests_of_the_benchmark_load_at_once() -> None:
    process = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=200, check=False)

    assert process.returncode == 0, process.stderr[-3000:]
    assert "all loading" in process.stdout
