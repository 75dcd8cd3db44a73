"""The commands that the operator gives a pod, and the tokens that prove who gives them."""

import hashlib
import hmac
from enum import StrEnum

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

    `peers` are the control addresses (`host:port`) of the other pods; `halt_token` lets a pod that
    meets a violation halt them.
    """

    start_id: str
    in_seconds: float
    peers: tuple[str, ...]
    halt_token: str


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
