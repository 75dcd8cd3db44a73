"""Numbers that one cluster at a time may have on a machine, such as that of its network.

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
    for number in secrets.SystemRandom().sample(numbers, len(numbers)):
        with socket.socket(socket.AF_UNIX) as claim:
            try:
                claim.bind(f"\0loadtest-operator/{kind}/{number}")
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            yield number
            return
    raise NumbersTakenError(f"every {kind} is in use on this machine: end clusters that you need no more")
