"""Numbers of which a machine has one each are claimed."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from localcluster.claims import NumbersTakenError, claimed_number

REPOSITORY = Path(__file__).resolve().parents[3]
# Other runs of these tests on this machine claim others.
KIND = f"number of process {os.getpid()}"
NUMBERS = range(3)


def test_each_number_is_claimed_once_and_free_again_when_its_claim_ends() -> None:
    with claimed_number(KIND, NUMBERS) as first, claimed_number(KIND, NUMBERS) as second:
        with claimed_number(KIND, NUMBERS) as third:
            assert {first, second, third} == set(NUMBERS)
            with pytest.raises(NumbersTakenError, match=KIND), claimed_number(KIND, NUMBERS):
                pass
        with claimed_number(KIND, NUMBERS) as again:
            assert again == third


def test_numbers_of_different_kinds_do_not_meet() -> None:
    with claimed_number(KIND, NUMBERS[:1]) as one, claimed_number(f"other {KIND}", NUMBERS[:1]) as other:
        assert one == other


def test_a_number_is_free_as_soon_as_the_process_that_claimed_it_is_killed() -> None:
    script = f"""
        import sys
        from localcluster.claims import claimed_number

        with claimed_number({KIND!r}, [{NUMBERS[0]}]):
            print("claimed", flush=True)
            sys.stdin.read()
        """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"claimed\n"
        with pytest.raises(NumbersTakenError), claimed_number(KIND, NUMBERS[:1]):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()

        with claimed_number(KIND, NUMBERS[:1]) as number:
            assert number == NUMBERS[0]
