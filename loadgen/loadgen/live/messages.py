"""What the generator tells the process of its live page, message by message."""

from typing import Final

import msgspec

from loadtest_model.measurement.snapshot import Snapshot
from loadtest_model.plan import Plan
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow

LENGTH_BYTES: Final = 4


class Opening(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What is to be run, without secrets. `port` is where the page is to be served, 0 for any port that is free.

    If `may_move` is true, another port may be taken in the place of one that is not free.
    """

    port: int
    may_move: bool
    plan: Plan
    manifest: str


class Look(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How the run stands. `snapshot` has the seconds that changed since the one before."""

    phase: str
    message: str
    snapshot: Snapshot
    started_at: str | None = None


class Ending(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the run came to."""

    summary: Summary
    rows: tuple[SeriesRow, ...]


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the opening: the port of the page, or why there is none."""

    port: int = 0
    problem: str = ""


Message = Opening | Look | Ending

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[Message]] = msgspec.msgpack.Decoder(Message)


def packed(message: Message) -> bytes:
    """A message with its length before it."""
    content = _ENCODER.encode(message)
    return len(content).to_bytes(LENGTH_BYTES, "big") + content


def unpacked(content: bytes) -> Message:
    """A message without its length."""
    return _DECODER.decode(content)
