"""What one pod says of itself: its state, what it proved, and everything it measured so far."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import structs

from loadtest_model.measurement.cause_counts import CauseSeen
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import ReadBackReport, Shown, concluded_from
from loadtest_model.measurement.sketch import Sketch
from loadtest_model.measurement.spread import AddressCounts
from loadtest_model.measurement.upload_parts import Parts
from loadtest_model.reasons import Reason
from loadtest_model.values import WireValue

SNAPSHOT_SCHEMA: Final = 1

# Older uploads matter most, and a snapshot must not grow with the virtual users.
IN_FLIGHT_AGES_KEPT: Final = 100


class PodState(StrEnum):
    """Where a pod stands; the first seven come in this order, and each of the last three is an end.

    Only a pod that reads back is ever LOADED (its load is over, others' may not be) and CONCLUDING (it reads).
    """

    WAITING = "waiting"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    ARMED = "armed"
    RUNNING = "running"
    LOADED = "loaded"
    CONCLUDING = "concluding"
    DONE = "done"
    REFUSED = "refused"
    HALTED = "halted"

    @property
    def ended(self) -> bool:
        return self in _ENDS


_ENDS = frozenset({PodState.DONE, PodState.REFUSED, PodState.HALTED})


class HaltReason(StrEnum):
    """Why a pod cut its load."""

    VIOLATION = "Violation"
    PEER = "PeerHalted"
    OPERATOR = "OperatorHalted"
    BARRIER = "BarrierMissed"
    SIGNAL = "Terminated"
    DEFECT = "Defect"


class Refusal(StrEnum):
    """Why a target was not proven; each is a reason of the condition `Verified`."""

    DNS = Reason.NameNotResolved
    ADDRESS_DENIED = Reason.AddressNotAllowed
    REFUSED = Reason.ConnectionRefused
    TLS = Reason.TLSFailed
    TIMEOUT = Reason.TargetTimedOut
    RESET = Reason.ConnectionReset
    REDIRECT = Reason.TargetRedirects
    UNAUTHORIZED = Reason.AuthenticationFailed
    EXPIRING = Reason.TokenExpiresTooSoon
    FORBIDDEN = Reason.Forbidden
    NOT_FOUND = Reason.WrongURL
    TOO_LARGE = Reason.BatchTooLarge
    MARKER_MISSING = Reason.LoadTestHeaderIgnored
    MARKER_FALSE = Reason.LoadTestHeaderNotHonoured
    MISCOUNTED = Reason.RowsMiscounted
    NOT_ECHOED = Reason.NonceNotEchoed
    REJECTED = Reason.UploadRejected
    SERVER_ERROR = Reason.TargetServerError
    BAD_ANSWER = Reason.AnswerNotUnderstood
    READ_BACK = Reason.ReadBackFailed
    READ_BACK_CONTROL = Reason.ReadBackControlFailed
    STORED = Reason.RecordsStored
    THROTTLED = Reason.GeneratorThrottled


class ProofLevel(StrEnum):
    """How much the verification showed, weakest first."""

    NONE = "None"
    ACKNOWLEDGED = Reason.Acknowledged
    ECHOED = Reason.Echoed
    PROVEN = Reason.Proven


class CheckName(StrEnum):
    """What an upload of the verification shows, in the order in which they are made."""

    CONNECT = "connect"
    HEADER_ONLY = "header-only"
    CANARY = "canary"
    FEW_ROWS = "few-rows"
    FULL_BATCH = "full-batch"


class Check(WireValue, frozen=True, kw_only=True):
    """One upload of the verification, to one address, and what came of it."""

    name: CheckName
    address: str
    passed: bool
    rows: int
    status: int | None = None
    detail: str = ""
    seconds: float = 0.0


class VerificationReport(WireValue, frozen=True, kw_only=True):
    """The proof, or why there is none. `cause` is what a refusal comes from, where more is known than the refusal
    says, and `hint` what to do; `canary_ids` are the rows that may be stored, the likeliest first.

    `uploads` and `rows` count what the verification sent: they are no part of the load. `addresses` are proven;
    `unverified` failed their verification while the load ran and are not used; `vanished` were proven once. Where
    the verification showed ECHOED, `unechoed` counts the accepted uploads that lacked their nonce all the same. A
    verification that was cut off has level NONE and no refusal.
    """

    level: ProofLevel
    refusal: Refusal | None = None
    cause: Cause | None = None
    message: str = ""
    hint: str = ""
    canary_ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    uploads: int = 0
    rows: int = 0
    unverified: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    unechoed: int = 0
    read_back: ReadBackReport | None = None

    @property
    def proven(self) -> bool:
        """Whether every address that is used showed that it honours the header."""
        return self.refusal is None and self.level is not ProofLevel.NONE

    @property
    def reached(self) -> ProofLevel:
        """The level that holds for every answer so far, and PROVEN once all readings agree that nothing was stored."""
        held = ProofLevel.ACKNOWLEDGED if self.level is ProofLevel.ECHOED and self.unechoed else self.level
        if not self.proven or self.read_back is None:
            return held
        nothing_stored = concluded_from(self.read_back).shown is Shown.NOTHING_STORED
        return ProofLevel.PROVEN if nothing_stored else held

    @property
    def concluded(self) -> "VerificationReport":
        """The report of a run that is over: its level is the one that was reached."""
        return structs.replace(self, level=self.reached)


# A restarted operator reads a million of these two of a large fleet, which refer to nothing that could refer back.
class Counts(WireValue, frozen=True, kw_only=True, gc=False):
    """How many uploads came to what. `due` = `sent` + `dropped`; `sent` = the sum of the four outcomes.

    `cancelled` are those among the unknown that we cut ourselves. `rerouted` are those of the sent, whatever they came
    to, that went to another address since the one they were meant for had left the target and took no connection.
    """

    due: int = 0
    sent: int = 0
    dropped: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    violation: int = 0
    cancelled: int = 0
    rerouted: int = 0
    records_sent: int = 0
    records_confirmed: int = 0
    bytes_sent: int = 0

    def merge(self, other: "Counts") -> "Counts":
        return merged_counts([self, other])

    @property
    def conserved(self) -> bool:
        outcomes = self.accepted + self.rejected + self.unknown + self.violation
        return self.due == self.sent + self.dropped and self.sent == outcomes

    @property
    def error_rate(self) -> float | None:
        """Failed and dropped over due, without what we cancelled ourselves; None where nothing was due."""
        due = self.due - self.cancelled
        if due <= 0:
            return None
        return (self.rejected + self.unknown + self.violation + self.dropped - self.cancelled) / due


def merged_counts(many: Sequence[Counts]) -> Counts:
    """All counts added up."""
    # Column by column, in the interpreter's own loops: a fleet merges some hundred thousand of them at each look.
    sums = map(sum, zip(*map(structs.astuple, many), strict=True))
    return Counts(**dict(zip(Counts.__struct_fields__, sums, strict=False)))


class Second(WireValue, frozen=True, kw_only=True, gc=False):
    """One second of a step. An upload's counts stand in the second of its intended start.

    `ended` counts the uploads that came to any of their outcomes in this second, whenever they began; those of them
    that were answered are `answers`, and `records_answered` and `response_nanoseconds_sum` stand with them. `failed`
    are those of `ended` that were not accepted, without what we cut ourselves, and `lapsed` the arrivals that were
    dropped in this second.
    """

    second: int
    counts: Counts
    virtual_users: int
    ended: int = 0
    answers: int = 0
    records_answered: int = 0
    response_nanoseconds_sum: int = 0
    failed: int = 0
    lapsed: int = 0


class StepSnapshot(WireValue, frozen=True, kw_only=True):
    """All that a pod measured in one step.

    `judged` counts what thresholds look at (the uploads after the warm-up); `total` counts everything.
    `response` and `service` hold accepted and unknown uploads after the warm-up, `rejected_response` the rejected;
    `response` also holds dropped arrivals, each with the patience that it was given. `parts` divide `service`.
    `lateness` tells how long after its intended start an arrival was begun that found a virtual user free, and
    `vu_limit_reached` counts those that found none. `load_seconds` is the length of the load so far.
    `causes` divide the errors anew, but for those that we cut ourselves: each upload has one kind and one cause.
    `finished` says that the load ran to its natural end. `in_flight` counts what is due and has not ended, be it sent
    or still waiting for a virtual user; `in_flight_ages_seconds` are the ages, oldest first, at most 100 of them.
    """

    step: int
    total: Counts = Counts()
    judged: Counts = Counts()
    errors: dict[ErrorKind, int] = {}
    causes: dict[Cause, CauseSeen] = {}
    response: Sketch = Sketch()
    service: Sketch = Sketch()
    rejected_response: Sketch = Sketch()
    seconds: tuple[Second, ...] = ()
    segment_response: tuple[Sketch, ...] = ()
    segment_counts: tuple[Counts, ...] = ()
    parts: Parts = Parts()
    addresses: dict[str, AddressCounts] = {}
    lateness: Sketch = Sketch()
    vu_limit_reached: int = 0
    load_seconds: float = 0.0
    in_flight: int = 0
    in_flight_ages_seconds: tuple[float, ...] = ()
    finished: bool = False


class GeneratorHealth(WireValue, frozen=True, kw_only=True):
    """How the generator itself fared: saturation makes a verdict on times inconclusive.

    `throttled_share` is None where the system does not tell, and `cpu_limit_cores` also where there is no limit.
    """

    memory_bytes: int = 0
    cpu_seconds: float = 0.0
    loop_lag_p99_seconds: float = 0.0
    max_loop_lag_seconds: float = 0.0
    throttled_share: float | None = 0.0
    cpu_limit_cores: float | None = None


class TargetMemory(WireValue, frozen=True, kw_only=True):
    """The target's memory as (seconds since the common start, bytes), in the order of time.

    `problem` says why it could not be measured, or not to the end.
    """

    points: tuple[tuple[float, int], ...] = ()
    problem: str = ""

    def merge(self, other: "TargetMemory") -> "TargetMemory":
        """One pod of a fleet measures it, so the other of the two is empty."""
        return TargetMemory(
            points=tuple(sorted((*self.points, *other.points))),
            problem="; ".join(sorted({self.problem, other.problem} - {""})),
        )


class Violation(WireValue, frozen=True, kw_only=True):
    """The first broken promise a pod saw, and the rows that may be stored because of it."""

    kind: ErrorKind
    address: str
    status: int | None
    rows: int
    first_client_id: str
    message: str


class Snapshot(WireValue, frozen=True, kw_only=True):
    """One pod's cumulative state. A later `sequence` of the same pod holds everything of an earlier one,

    but for `steps[].seconds`, of which a reader that asks `since` gets only those seconds that changed.
    `endpoints` is the digest of the addresses that the pod was told last, at first of the plan's.
    """

    schema: int
    pod_index: int
    pod_uid: str
    sequence: int
    state: PodState
    plan_hash: str
    start_id: str | None = None
    message: str = ""
    halt_reason: HaltReason | None = None
    violation: Violation | None = None
    verification: VerificationReport | None = None
    steps: tuple[StepSnapshot, ...] = ()
    generator: GeneratorHealth = GeneratorHealth()
    target_memory: TargetMemory = TargetMemory()
    elapsed_seconds: float = 0.0
    virtual_users: int = 0
    endpoints: str = ""
    final: bool = False
