"""What one pod says of itself: its state, what it proved, and everything it measured so far."""

from enum import StrEnum
from typing import Final

from msgspec import structs

from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.generator import GeneratorHealth
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.proof import ReadBackReport, ReadBackResult, read_back_conclusion
from loadtest_model.measurement.step import StepAggregate
from loadtest_model.reasons import Reason
from loadtest_model.values import WireValue

SNAPSHOT_SCHEMA: Final = 1


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
    def is_end(self) -> bool:
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
    UNREADABLE = Reason.AnswerUnreadable
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


class VerificationCheck(WireValue, frozen=True, kw_only=True):
    """One upload of the verification, to one address, and what came of it."""

    name: CheckName
    address: str
    passed: bool
    rows: int
    status: int | None = None
    detail: str = ""
    seconds: float = 0.0


class RefusedAddress(WireValue, frozen=True, kw_only=True):
    """A new address of the target that could not be proven, and why; `message` names the address too."""

    address: str
    refusal: Refusal
    cause: Cause | None = None
    message: str = ""


class VerificationReport(WireValue, frozen=True, kw_only=True):
    """The proof, or why there is none. `cause` is what a refusal comes from, where more is known than the refusal
    says, and `hint` what to do; `canary_ids` are the rows that may be stored, the likeliest first, and
    `id_column` is the file's name of the column with their ids.

    `uploads` and `rows` count what the verification sent: they are no part of the load. `addresses` are proven;
    `unverified` came later, failed their verification and are not used; `vanished` were proven once.
    `refused_addresses` says why addresses that came later are not proven, for good or for the time being. Where the
    verification showed ECHOED, `unechoed` counts the accepted uploads that lacked their nonce all the same. A
    verification that was cut off has level NONE and no refusal.
    """

    level: ProofLevel
    refusal: Refusal | None = None
    cause: Cause | None = None
    message: str = ""
    hint: str = ""
    canary_ids: tuple[str, ...] = ()
    id_column: str = "client_id"
    addresses: tuple[str, ...] = ()
    checks: tuple[VerificationCheck, ...] = ()
    uploads: int = 0
    rows: int = 0
    unverified: tuple[str, ...] = ()
    refused_addresses: tuple[RefusedAddress, ...] = ()
    vanished: tuple[str, ...] = ()
    unechoed: int = 0
    read_back: ReadBackReport | None = None

    @property
    def is_proven(self) -> bool:
        """Whether every address that is used showed that it honours the header."""
        return self.refusal is None and self.level is not ProofLevel.NONE

    @property
    def reached_level(self) -> ProofLevel:
        """The level that holds for every answer so far, and PROVEN once all readings agree that nothing was stored."""
        confirmed_level = ProofLevel.ACKNOWLEDGED if self.level is ProofLevel.ECHOED and self.unechoed else self.level
        if not self.is_proven or self.read_back is None:
            return confirmed_level
        nothing_stored = read_back_conclusion(self.read_back).result is ReadBackResult.NOTHING_STORED
        return ProofLevel.PROVEN if nothing_stored else confirmed_level

    @property
    def final_report(self) -> "VerificationReport":
        """The report of a run that is over: its level is the one that was reached."""
        return structs.replace(self, level=self.reached_level)


class AddressProofs(WireValue, frozen=True, kw_only=True):
    """How a pod's proofs of the target's addresses stand at one instant.

    `proven` may be loaded. `pending` are being verified, or will be at once. `awaited` are behind the target's name and
    wait until another pod has proven them. `by_name` says that the pod resolves the target's name itself.
    `age_seconds` is the age of the oldest proof, and `longest_seconds` how long the longest one took.
    """

    proven: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    awaited: tuple[str, ...] = ()
    by_name: bool = False
    age_seconds: float = 0.0
    longest_seconds: float = 0.0


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
    """The first broken promise a pod saw, and the rows that may be stored because of it.

    `first_row` is what the first of them is found by: its client_id, another unique field or its content. It is empty
    in what version 0.1.0 wrote.
    """

    kind: ErrorKind
    address: str
    status: int | None
    rows: int
    first_client_id: str
    message: str
    first_row: str = ""


class Snapshot(WireValue, frozen=True, kw_only=True):
    """One pod's cumulative state. A later `sequence` of the same pod holds everything of an earlier one,

    but for `steps[].seconds`, of which a reader that asks `since` gets only those seconds that changed. `steps` are
    all that have begun, in their order.
    `endpoints` is the digest of the addresses that the pod was told last, at first of the plan's. `proofs` is None in
    the last snapshot, and of a pod of a version that has none.
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
    steps: tuple[StepAggregate, ...] = ()
    generator: GeneratorHealth = GeneratorHealth()
    target_memory: TargetMemory = TargetMemory()
    elapsed_seconds: float = 0.0
    virtual_users: int = 0
    endpoints: str = ""
    proofs: AddressProofs | None = None
    final: bool = False
