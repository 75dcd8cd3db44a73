"""The addresses of one cluster. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """127.second.0.0/16: the first /24 is the node's own, the last /20 the Services', and the pods' lie between."""

    second: int

    @property
    def host_ip(self) -> str:
        """The node's address."""
        return f"127.{self.second}.0.2"

    @property
    def service_range(self) -> str:
        """The range from which the API server takes cluster IPs."""
        return f"127.{self.second}.240.0/20"

    def pod_ip(self, number: int) -> str:
        """Return the address of the number-th pod, counted from 0; raise ValueError past the last."""
        third, fourth = divmod(number, 254)
        if not 0 <= third < 239:
            raise ValueError(f"the node has no address for pod {number}")
        return f"127.{self.second}.{third + 1}.{fourth + 1}"
