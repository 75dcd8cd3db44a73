"""The parts of an upload's time: opening the connection, sending the body, waiting for the answer."""

from loadtest_model.values import NANOSECONDS, WireValue


class Part(WireValue, frozen=True, kw_only=True):
    """One part over many uploads: exact count, sum and greatest, in whole nanoseconds."""

    count: int = 0
    sum_nanoseconds: int = 0
    max_nanoseconds: int = 0

    def merge(self, other: "Part") -> "Part":
        return Part(
            count=self.count + other.count,
            sum_nanoseconds=self.sum_nanoseconds + other.sum_nanoseconds,
            max_nanoseconds=max(self.max_nanoseconds, other.max_nanoseconds),
        )

    @property
    def mean_seconds(self) -> float | None:
        return self.sum_nanoseconds / self.count / NANOSECONDS if self.count else None

    @property
    def max_seconds(self) -> float | None:
        return self.max_nanoseconds / NANOSECONDS if self.count else None


class Parts(WireValue, frozen=True, kw_only=True):
    """The parts of the uploads whose service times are measured; each counts those uploads that came to it.

    `connect` has only new connections, TLS included; `upload` lasts from the first byte of the body to the last;
    `wait` from there to the end of the answer, or of the patience.
    """

    connect: Part = Part()
    upload: Part = Part()
    wait: Part = Part()

    def merge(self, other: "Parts") -> "Parts":
        return Parts(
            connect=self.connect.merge(other.connect),
            upload=self.upload.merge(other.upload),
            wait=self.wait.merge(other.wait),
        )
