"""What takes time on any node, and how long it takes on this one."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds. They are shorter than a kubelet's, so that tests are quick, but never nothing.

    volume: from a change of a Secret or ConfigMap to the pods' files (a kubelet: up to 90).
    phase: from the end of a pod's last container to its final phase (a kubelet: about 1).
    services: between two changes of where Services lead (kube-proxy: 1).
    address: for how long nobody answers at the address of a pod that has ended (elsewhere: until it is given anew).
    """

    volume: float = 2.0
    phase: float = 0.3
    services: float = 0.5
    address: float = 60.0

    def to_json(self) -> dict[str, float]:
        return asdict(self)
