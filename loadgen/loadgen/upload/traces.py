"""The trace context of uploads, as W3C Trace Context (version 00) has it in the header `traceparent`."""

from random import Random
from typing import NamedTuple


class TraceContext(NamedTuple):
    """The trace of one upload, whose span is the upload itself."""

    trace_id: str
    span_id: str
    is_sampled: bool

    @property
    def header_line(self) -> bytes:
        return f"traceparent: 00-{self.trace_id}-{self.span_id}-{int(self.is_sampled):02x}\r\n".encode("ascii")


class Traces:
    """Makes a trace for each upload, of which the share `sample_ratio` has the flag `sampled`.

    Ids are random numbers of 128 and 64 bits. `random` must be seeded differently in each pod.
    """

    def __init__(self, sample_ratio: float, random: Random) -> None:
        self._sample_ratio = sample_ratio
        self._random = random

    def next(self) -> TraceContext:
        return TraceContext(
            trace_id=f"{self._id(128):032x}",
            span_id=f"{self._id(64):016x}",
            is_sampled=self._random.random() < self._sample_ratio,
        )

    def _id(self, bits: int) -> int:
        """A random number; zero is no valid id."""
        return self._random.getrandbits(bits) or 1
