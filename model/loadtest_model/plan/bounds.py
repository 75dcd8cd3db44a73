"""What bounds a run from outside its spec: addresses and deadlines."""

from typing import Final

from loadtest_model.values import WireValue

NEVER_TARGETS: Final = (
    "0.0.0.0/8",
    "::/128",
    "169.254.0.0/16",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
)
"""Where no upload may ever go: the own host by its unspecified address, link-local, multicast, reserved, and the
metadata services of clouds, not all of which are link-local."""


class AddressPolicy(WireValue, frozen=True, kw_only=True):
    """Which addresses may be connected to, as CIDR blocks; `denied` wins, and an empty `allowed` allows all else.

    `denied_endpoints` are single ports, as `ip:port`.
    """

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    denied_endpoints: tuple[str, ...] = ()


class Deadlines(WireValue, frozen=True, kw_only=True):
    """Bounds, in seconds, on how long a pod stays in a state that is not load.

    `verification_seconds` bounds each of Waiting, Verifying and Verified. `barrier_seconds` bounds Armed, until the
    command to start. `linger_seconds` bounds how long an ended pod waits for the acknowledgement of its last snapshot.
    A pod that is done also waits for the rest of the plan's span. In a cluster the chart's values override these
    defaults.
    """

    verification_seconds: float = 600.0
    barrier_seconds: float = 60.0
    linger_seconds: float = 60.0
