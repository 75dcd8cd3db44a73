"""What a decision may ask for, and what comes back from doing it. Values only; `act` does them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loadtest_operator.facts.observation import ObservedPod, ObservedResults

Json = dict[str, Any]


@dataclass(frozen=True)
class CreateJob:
    """Make the Job, and before it the NetworkPolicy of its pods where there is to be one."""

    manifest: Json
    network_policy: Json | None = None


@dataclass(frozen=True)
class DeleteJob:
    """Remove a Job and its pods. The UID keeps a Job made since under the same name."""

    name: str
    uid: str


@dataclass(frozen=True)
class DeleteNetworkPolicy:
    """Remove what bounds the network of a run's pods, once none of them is left to bound."""

    name: str
    uid: str


@dataclass(frozen=True)
class Verify:
    pods: tuple[ObservedPod, ...]


@dataclass(frozen=True)
class StartFleet:
    """Arm every pod, then start all at one instant, which lies `lead_after` the arming."""

    pods: tuple[ObservedPod, ...]
    start_id: str
    plan_hash: str
    lead_seconds: float
    longest_lead_seconds: float

    def lead_after(self, arming_seconds: float) -> float:
        """How long before its instant the start is told, if arming took so long.

        The start takes the pods twice as long, because it has the addresses of the whole fleet in it. A pod that hears
        of it after the instant begins late, so there is room for another such time.
        """
        lead_seconds = self.lead_seconds + 3.0 * arming_seconds
        return max(self.lead_seconds, min(lead_seconds, self.longest_lead_seconds))


@dataclass(frozen=True)
class StartRest:
    """Start these pods of a fleet at once, whose others were started by an operator that has ended since."""

    pods: tuple[ObservedPod, ...]
    fleet: tuple[ObservedPod, ...]
    start_id: str
    plan_hash: str


@dataclass(frozen=True)
class BoundSkew:
    """Ask the pods that load when they began, since nobody has kept how far apart that was."""

    pods: tuple[ObservedPod, ...]


@dataclass(frozen=True)
class EndpointOrder:
    """What these pods are to hear: addresses, each `ip:port`; `more` are being verified elsewhere.

    A pod behind a name that `goes_first` verifies what the name resolves to. Proofs older than `proof_seconds` are made
    again.
    """

    pods: tuple[ObservedPod, ...]
    addresses: tuple[str, ...]
    more: bool = False
    goes_first: bool = False
    proof_seconds: float | None = None


@dataclass(frozen=True)
class TellEndpoints:
    """Tell all these pods at once the target's addresses as they are now.

    They have been known since `known_at`, on the operator's monotonic clock.
    """

    orders: tuple[EndpointOrder, ...]
    known_at: float | None = None


@dataclass(frozen=True)
class Conclude:
    """Tell the pod that reads back that every load is over."""

    pods: tuple[ObservedPod, ...]


@dataclass(frozen=True)
class Drain:
    """Let the uploads in flight finish and send nothing more."""

    pods: tuple[ObservedPod, ...]


@dataclass(frozen=True)
class HaltFleet:
    pods: tuple[ObservedPod, ...]
    message: str


@dataclass(frozen=True)
class Acknowledge:
    """Tell pods that their last snapshot is safe, so that they exit."""

    pods: tuple[ObservedPod, ...]


@dataclass(frozen=True)
class WriteResults:
    """Write the results, unless those of this run are there already."""

    manifest: Json


@dataclass(frozen=True)
class RemoveResults:
    """Remove the results of an earlier run. The UID keeps others that were written under the same name."""

    name: str
    uid: str


@dataclass(frozen=True)
class ArchiveResults:
    """Have the files of a run archived, without waiting for it."""

    results: ObservedResults


@dataclass(frozen=True)
class SendMessages:
    """Have these webhooks told of the end of the run, without waiting for it.

    They are tried for `seconds` at most.
    """

    webhooks: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class DeleteTest:
    """Delete the LoadTest and all that it owns, unless it has changed since it was read."""


@dataclass(frozen=True)
class MarkFinished:
    """Keep the finished run's id where a restore without status finds it; None when another run begins."""

    run_id: str | None


@dataclass(frozen=True)
class ObserveGeneration:
    """Say that the newest spec was seen, and leave the rest of an ended test's status as it is.

    `conditions` are those that stand there, with the new generation.
    """

    generation: int
    conditions: tuple[Json, ...] = ()


Order = Verify | StartRest | TellEndpoints | Conclude | Drain | HaltFleet | Acknowledge

FollowUpAction = RemoveResults | ArchiveResults | SendMessages | DeleteTest

Action = (
    CreateJob
    | DeleteJob
    | DeleteNetworkPolicy
    | StartFleet
    | BoundSkew
    | WriteResults
    | MarkFinished
    | ObserveGeneration
    | FollowUpAction
    | Order
)


@dataclass(frozen=True)
class JobRefused:
    """The API server did not take the Job, or the NetworkPolicy before it: a quota, a policy, a missing right.

    `is_invalid` says that the object itself was refused, so that waiting cannot mend it.
    """

    message: str
    of_network_policy: bool = False
    is_invalid: bool = False


@dataclass(frozen=True)
class FleetStarted:
    """The pods were told to start at `at`; `skew_seconds` bounds how far apart they begin. `unconfirmed_pods` did not
    confirm.
    """

    at: datetime
    skew_seconds: float
    unconfirmed_pods: tuple[str, ...] = ()


@dataclass(frozen=True)
class SkewBounded:
    """The pods began at `at`, or so long after it as `skew_seconds` says at most."""

    at: datetime
    skew_seconds: float


@dataclass(frozen=True)
class ResultsExist:
    """The results of this run had been written before, by an operator that knew no less."""


@dataclass(frozen=True)
class ResultsNotWritten:
    message: str


ActionOutcome = JobRefused | FleetStarted | SkewBounded | ResultsExist | ResultsNotWritten
