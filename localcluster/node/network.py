"""The addresses of one cluster. Pure."""

from dataclasses import dataclass
from typing import Final

SECOND_OCTETS: Final = range(128, 255)
"""Those of clusters; what else runs on a machine, tests among it, takes lower ones."""


@dataclass(frozen=True, slots=True)
class LoopbackNetwork:
    """The range 127.<second_octet>.0.0/16.

    The first /24 is the node's own, the last /20 is the Services', and the pods' addresses lie between.
    """

    second_octet: int

    @property
    def host_ip(self) -> str:
        """The node's address."""
        return f"127.{self.second_octet}.0.2"

    @property
    def service_range(self) -> str:
        """The range from which the API server takes cluster IPs."""
        return f"127.{self.second_octet}.240.0/20"

    def pod_ip(self, number: int) -> str:
        """Return the address of the number-th pod, counted from 0; raise ValueError past the last."""
        third_octet, fourth_octet = divmod(number, 254)
        if not 0 <= third_octet < 239:
            raise ValueError(f"the node has no address for pod {number}")
        return f"127.{self.second_octet}.{third_octet + 1}.{fourth_octet + 1}"
