"""Which of several operators is at work: decided from the Lease as it was read and from a monotonic clock. Pure.

Others' clocks are never compared with ours. A holder counts its time from the moment it *sent* its last renewal, a
candidate from the moment it first *saw* that renewal, which comes later; and the holder's time is the shorter one. So
the holder has stopped before a candidate may begin, whatever the API server does meanwhile.
"""

from dataclasses import dataclass, replace
from typing import Final

LEASE_SECONDS: Final = 12.0
"""How long a candidate waits for a sign of the holder."""
HOLD_SECONDS: Final = 8.0
"""How long a renewal lets its holder act; the rest is for what is still on its way when it stops."""
RENEW_SECONDS: Final = 2.0
POLL_SECONDS: Final = 1.0
REQUEST_SECONDS: Final = 2.0
"""The longest that one request about the Lease may take, so that several tries fit into the time of a holder."""


@dataclass(frozen=True)
class Lease:
    """The Lease as read; `version` changes with each write to it. An empty `holder` has let it go."""

    holder: str
    version: str
    transitions: int


@dataclass(frozen=True)
class Sighting:
    """What was seen of the Lease, and since when it has looked like this. `lease` is None while there is none."""

    lease: Lease | None
    since: float


@dataclass(frozen=True)
class TakeLease:
    """Write ourselves into the Lease, where it still has `version`; None: make it."""

    version: str | None
    transitions: int


@dataclass(frozen=True)
class WaitForLease:
    """Look again after `seconds`."""

    seconds: float


def next_sighting(before: Sighting | None, lease: Lease | None, now: float) -> Sighting:
    """What is known after a look. Whatever changed in the Lease counts as a sign of its holder."""
    if before is not None and before.lease == lease:
        return before
    return Sighting(lease, now)


def candidate_action(sighting: Sighting, now: float) -> TakeLease | WaitForLease:
    """What an operator does that is not at work."""
    lease = sighting.lease
    if lease is not None and not lease.holder:
        return TakeLease(lease.version, lease.transitions + 1)
    remaining = sighting.since + LEASE_SECONDS - now
    if remaining > 0:
        return WaitForLease(min(remaining, POLL_SECONDS))
    # A Lease that is not there may have been removed from under its holder, so its absence had to last as long.
    return TakeLease(lease.version, lease.transitions + 1) if lease is not None else TakeLease(None, 0)


@dataclass(frozen=True)
class Holding:
    """Our time at work: the Lease as we wrote it last, and when the request that did so was sent."""

    lease: Lease
    renewed_at: float

    @property
    def ends_at(self) -> float:
        """The moment from which we may no longer act."""
        return self.renewed_at + HOLD_SECONDS

    def with_renewal(self, version: str, sent_at: float) -> "Holding":
        return Holding(replace(self.lease, version=version), sent_at)


def loss_reason(holding: Holding, now: float) -> str:
    """Why we may no longer act; empty while we may."""
    if now < holding.ends_at:
        return ""
    return f"the Lease could not be renewed for {now - holding.renewed_at:.1f} s"


def after_conflict(holding: Holding, current: Lease | None) -> Holding | str:
    """What a renewal means that met another version of the Lease than ours: a reason to stop, or what to renew."""
    if current is None:
        return "the Lease was removed"
    if current.holder != holding.lease.holder:
        return f"the Lease is held by {current.holder or 'nobody'}"
    # Our own write that went unanswered, or somebody's label: no longer time follows from it.
    return replace(holding, lease=current)
