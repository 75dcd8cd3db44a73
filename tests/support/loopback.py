"""Loopback addresses for servers whose port is fixed, such as those of pods and of DNS."""

import itertools
from functools import cache
from typing import Final

from localcluster.claims import claim_until_exit
from localcluster.node.network import SECOND_OCTETS

_BELOW_CLUSTERS: Final = range(1, SECOND_OCTETS.start)
_numbers = itertools.count()


def free_address() -> str:
    """An address on which nobody listens: of a network that this process alone has, and each time another one."""
    third_octet, fourth_octet = divmod(next(_numbers), 254)
    return f"127.{_own_second_octet()}.{third_octet}.{fourth_octet + 1}"


@cache
def _own_second_octet() -> int:
    return claim_until_exit("loopback network", _BELOW_CLUSTERS)
