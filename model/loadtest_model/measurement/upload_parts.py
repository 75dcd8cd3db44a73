"""The parts of an upload's time: opening the connection, sending the body, waiting for the answer."""

from collections.abc import Sequence

from loadtest_model.values import NANOSECONDS, WireValue


class UploadPart(WireValue, frozen=True, kw_only=True):
    """One part over many uploads: exact count, sum and greatest, in whole nanoseconds."""

    count: int = 0
    sum_nanoseconds: int = 0
    max_nanoseconds: int = 0

    @property
    def mean_seconds(self) -> float | None:
        return self.sum_nanoseconds / self.count / NANOSECONDS if self.count else None

    @property
    def max_seconds(self) -> float | None:
        return self.max_nanoseconds / NANOSECONDS if self.count else None


class UploadParts(WireValue, frozen=True, kw_only=True):
    """The parts of the uploads whose service times are measured; each counts those uploads that came to it.

    `connect` has only new connections, TLS included. `upload` lasts from when the connection was ready to send to the
    last byte handed to the system. `wait` lasts from there to the end of the answer, or to the time-out. `database` is
    within `wait`, and has what answers said of the target's database.
    """

    connect: UploadPart = UploadPart()
    upload: UploadPart = UploadPart()
    wait: UploadPart = UploadPart()
    database: UploadPart = UploadPart()


def merged_parts(steps: Sequence[UploadParts]) -> UploadParts:
    """The parts of all, each as one."""
    return UploadParts(
        **{name: merged_part([getattr(parts, name) for parts in steps]) for name in UploadParts.__struct_fields__}
    )


def merged_part(same_parts: Sequence[UploadPart]) -> UploadPart:
    """One part of several steps or pods as one."""
    return UploadPart(
        count=sum(part.count for part in same_parts),
        sum_nanoseconds=sum(part.sum_nanoseconds for part in same_parts),
        max_nanoseconds=max((part.max_nanoseconds for part in same_parts), default=0),
    )
