"""Loopback addresses for servers whose port is fixed, such as those of pods and of DNS."""

import itertools
from functools import cache

from localcluster.ports import free_second_octet

_numbers = itertools.count()


def free_address() -> str:
    """An address on which nobody listens: of a network that this process alone has, and each time another one."""
    third_octet, fourth_octet = divmod(next(_numbers), 254)
    return f"127.{_own_second_octet()}.{third_octet}.{fourth_octet + 1}"


_own_second_octet = cache(free_second_octet)
