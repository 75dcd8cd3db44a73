"""Numbers that one process at a time may have on a machine, such as a port or that of a cluster's network.

A claim is a name of a Unix socket without a file. Linux keeps such names for each network namespace, as it does
addresses and routes, and frees them with the process that holds them, however it ends.
"""

import errno
import secrets
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class NumbersTakenError(Exception):
    """Every number is claimed; the message says of what."""


@contextmanager
def claimed_number(kind: str, numbers: Sequence[int]) -> Iterator[int]:
    """Claim a number, drawn at random, that nobody else has, and hold it until the end.

    Raises NumbersTakenError if others hold all of them.
    """
    claim, number = _claim(kind, numbers)
    with claim:
        yield number


def claim_until_exit(kind: str, numbers: Sequence[int]) -> int:
    """Claim a number, drawn at random, that nobody else has, and hold it until this process ends.

    Raises NumbersTakenError if others hold all of them.
    """
    claim, number = _claim(kind, numbers)
    claim.detach()
    return number


def _claim(kind: str, numbers: Sequence[int]) -> tuple[socket.socket, int]:
    for number in secrets.SystemRandom().sample(numbers, len(numbers)):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0loadtest-operator/{kind}/{number}")
        except OSError as error:
            claim.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return claim, number
    raise NumbersTakenError(f"every {kind} is in use on this machine: end clusters that you need no more")
