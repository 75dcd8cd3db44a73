"""The commands that the operator gives a pod, and the tokens that prove who gives them."""

import hashlib
import hmac
from enum import StrEnum

from msgspec import Raw, json, structs

from loadtest_model.values import WireValue

CONTROL_PORT = 8089


class Verb(StrEnum):
    """What a pod can be told."""

    VERIFY = "verify"
    ARM = "arm"
    START = "start"
    CONCLUDE = "conclude"
    STOP = "stop"
    HALT = "halt"
    ACK = "ack"
    ENDPOINTS = "endpoints"


class Arm(WireValue, frozen=True, kw_only=True):
    """Hold the load ready for the start with this id; refused by a pod whose plan has another hash."""

    start_id: str
    plan_hash: str


class Start(WireValue, frozen=True, kw_only=True):
    """Begin `in_seconds` after this command arrives.

    `peers` are the control addresses (`host:port`) of all pods of the fleet: all are told the same, and a pod leaves
    its own out. `halt_token` lets a pod that meets a violation halt them.
    """

    start_id: str
    in_seconds: float
    peers: tuple[str, ...]
    halt_token: str


class _EncodedStart(WireValue, frozen=True, kw_only=True):
    """A `Start` whose peers are encoded already."""

    start_id: str
    in_seconds: float
    peers: Raw
    halt_token: str


class StartEncoder:
    """Encodes the start of a fleet for one pod after the other: all but the time left is the same for each."""

    def __init__(self, start_id: str, peers: tuple[str, ...], halt_token: str) -> None:
        self._start = _EncodedStart(
            start_id=start_id, in_seconds=0.0, peers=Raw(json.encode(peers)), halt_token=halt_token
        )

    def encode(self, in_seconds: float) -> bytes:
        """The bytes of a `Start` with this time left."""
        return json.encode(structs.replace(self._start, in_seconds=in_seconds))


class Halt(WireValue, frozen=True, kw_only=True):
    """Cut every upload in flight and send nothing more."""

    reason: str
    message: str = ""


class Ack(WireValue, frozen=True, kw_only=True):
    """The snapshot with this sequence number is safe; a pod that has finished may exit."""

    sequence: int


class TargetAddresses(WireValue, frozen=True, kw_only=True):
    """The target's addresses that this pod may verify and use, each `ip:port`, in place of those told before.

    Behind a Service they are in place of the plan's, and no other address is the target's. Behind a name each pod
    resolves the name itself, and these are the ones that another pod has proven. `goes_first` tells a pod behind a name
    that it verifies whatever the name resolves to, and these addresses too, which other pods have found.

    `more` says that there are others, which another pod verifies first. `age_seconds` says for how long the operator
    has known this when it sends it. Proofs older than `proof_seconds` are made again.
    """

    addresses: tuple[str, ...]
    more: bool = False
    age_seconds: float = 0.0
    goes_first: bool = False
    proof_seconds: float | None = None


def control_address(ip: str) -> str:
    """Where the pod with this address listens for commands, as `host:port`."""
    return f"[{ip}]:{CONTROL_PORT}" if ":" in ip else f"{ip}:{CONTROL_PORT}"


def endpoints_digest(addresses: tuple[str, ...], *, more: bool = False, goes_first: bool = False) -> str:
    """A short name for what a pod is told of addresses, by which it says what it was told last."""
    words = (*addresses, *("more" for _ in range(more)), *("first" for _ in range(goes_first)))
    return hashlib.sha256(",".join(words).encode()).hexdigest()[:16]


def command_token(key: bytes, uid: str, run_id: str, verb: Verb) -> str:
    """The token for one verb of one run: HMAC-SHA256 (RFC 2104) of its identity, in hex."""
    return hmac.new(key, f"{uid}/{run_id}/{verb}".encode(), hashlib.sha256).hexdigest()


def token_digest(token: str) -> str:
    """What a pod is given to check a token by; the token cannot be found from it."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_fits(token: str, digest: str) -> bool:
    return hmac.compare_digest(token_digest(token), digest)
