"""What bounds a run from outside its spec: addresses and deadlines."""

from loadtest_model.values import WireValue


class AddressPolicy(WireValue, frozen=True, kw_only=True):
    """Which addresses may be connected to, as CIDR blocks; `denied` wins, and an empty `allowed` allows all else."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


class Deadlines(WireValue, frozen=True, kw_only=True):
    """Bounds in seconds on what is not load."""

    verification_seconds: float = 600.0
    barrier_seconds: float = 60.0
    linger_seconds: float = 60.0
