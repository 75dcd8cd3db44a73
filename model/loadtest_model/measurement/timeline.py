"""The seconds of a run, summed over its pods while their snapshots come in.

A look costs what has changed since the one before it, however long the run is. Every number is whole, so that what is
summed piece by piece is exactly what merging all snapshots in whole would give.
"""

import zlib
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from operator import add, sub
from typing import Final

import msgspec
from msgspec import structs

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.measurement.coarse_times import CoarseTimes, buckets_of, coarse_times
from loadtest_model.measurement.counts import Counts, Second
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import Snapshot

_COUNT_FIELDS: Final = Counts.__struct_fields__
_SPARSE_FIELDS: Final = ("errors", "answer_times")
_OTHER_FIELDS: Final = tuple(name for name in Second.__struct_fields__[2:] if name not in _SPARSE_FIELDS)
_WIDTH: Final = 1 + len(_COUNT_FIELDS) + len(_OTHER_FIELDS)
_BLOCK_SECONDS: Final = 32
# An upload may change a second as old as its own patience, two minutes by default.
_OPEN_BLOCKS: Final = 4
_PIECE_SECONDS: Final = 1_000

_Sparse = tuple[dict[ErrorKind, int], CoarseTimes]
"""What a second has of few of many kinds: its errors, and the buckets of its response times."""
_NOTHING: Final[_Sparse] = ({}, ())
_BLOCK_DECODER: Final = msgspec.msgpack.Decoder(tuple[list[list[int]], list[_Sparse]])

Series = tuple[tuple[Second, ...], ...]
"""The seconds of each step, by the step's number."""


class Timeline:
    """What is known of each pod of a run: its newest snapshot, and the seconds of all of them in sum."""

    def __init__(self) -> None:
        self._newest: dict[str, Snapshot] = {}
        self._rows: dict[str, dict[int, _PodSeconds]] = {}
        self._sums: dict[int, _StepSums] = {}
        self._summed_pods: set[str] = set()

    def add_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Add a pod's answer. It may have only those seconds that changed since a snapshot that was added before.

        Returns the newest snapshot of this pod without its seconds. A snapshot that is not newer changes nothing.
        """
        for _ in self.add_in_pieces(snapshot):
            pass
        return self._newest[snapshot.pod_uid]

    def add_in_pieces(self, snapshot: Snapshot) -> Iterator[None]:
        """The same, with a break after every so many seconds: those of a day take a while."""
        pod = snapshot.pod_uid
        newest = self._newest.get(pod)
        if newest is not None and snapshot.sequence <= newest.sequence:
            return
        if newest is None:
            # A new pod's seconds are summed as they come in: all pods of a long run at once would take minutes.
            self._summed_pods.add(pod)
        is_summed = pod in self._summed_pods
        for number, step in enumerate(snapshot.steps):
            for first in range(0, len(step.seconds), _PIECE_SECONDS):
                self._add_seconds(pod, number, step.seconds[first : first + _PIECE_SECONDS], is_summed=is_summed)
                yield
        newest = self._newest.get(pod)
        if newest is None or snapshot.sequence > newest.sequence:
            steps = tuple(structs.replace(step, seconds=()) for step in snapshot.steps)
            self._newest[pod] = structs.replace(snapshot, steps=steps)

    def series(self, pods: Collection[str]) -> Series:
        """The seconds of these pods (by UID) in sum."""
        wanted_pods = self._rows.keys() & set(pods)
        for pod in self._summed_pods - wanted_pods:
            self._add_to_sums(pod, sub)
        for pod in wanted_pods - self._summed_pods:
            self._add_to_sums(pod, add)
        self._summed_pods = wanted_pods
        return tuple(
            self._sums[number].seconds() if number in self._sums else ()
            for number in range(max(self._sums, default=-1) + 1)
        )

    def _add_seconds(self, pod: str, step: int, seconds: tuple[Second, ...], *, is_summed: bool) -> None:
        if not seconds:
            return
        rows = self._rows.setdefault(pod, {}).setdefault(step, _PodSeconds())
        sums = self._sums.setdefault(step, _StepSums())
        for second in seconds:
            row, sparse = _row(second), _sparse(second)
            replaced_row, replaced_sparse = rows.put(second.second, row, sparse)
            if is_summed:
                sums.add_to_second(second.second, list(map(sub, row, replaced_row)))
                if sparse != replaced_sparse:
                    sums.add_sparse(second.second, sparse, add)
                    sums.add_sparse(second.second, replaced_sparse, sub)

    def _add_to_sums(self, pod: str, sign: Callable[[int, int], int]) -> None:
        for number, rows in self._rows.get(pod, {}).items():
            sums = self._sums[number]
            for second, row, sparse in rows:
                sums.add_to_second(second, [sign(0, value) for value in row])
                sums.add_sparse(second, sparse, sign)


def with_series(aggregate: Aggregate, series: Series) -> Aggregate:
    """An aggregate of snapshots that carry no seconds, with the seconds that were summed apart."""
    steps = tuple(
        structs.replace(step, seconds=series[number]) if number < len(series) else step
        for number, step in enumerate(aggregate.steps)
    )
    return structs.replace(aggregate, steps=steps)


class _PodSeconds:
    """One pod's seconds of one step, each a row of whole numbers, of which the first is 1, with what is sparse of it.

    Old ones lie packed.
    """

    def __init__(self) -> None:
        self._open: dict[int, _Block] = {}
        self._packed: dict[int, bytes] = {}

    def put(self, second: int, row: Sequence[int], sparse: _Sparse) -> tuple[Sequence[int], _Sparse]:
        """Keep a second. Returns what it replaces: zeros and nothing if there was none."""
        number, place = divmod(second, _BLOCK_SECONDS)
        block = self._open[number] if number in self._open else self._open_block(number)
        return block.put(place, row, sparse)

    def __iter__(self) -> Iterator[tuple[int, Sequence[int], _Sparse]]:
        """Each second that was put, with its row and what is sparse of it."""
        for number in {*self._open, *self._packed}:
            block = self._open[number] if number in self._open else _Block(self._packed[number])
            for place, row, sparse in block:
                yield number * _BLOCK_SECONDS + place, row, sparse

    def _open_block(self, number: int) -> "_Block":
        block = _Block(self._packed.pop(number, None))
        self._open[number] = block
        if len(self._open) > _OPEN_BLOCKS:
            oldest = next(iter(self._open))
            self._packed[oldest] = self._open.pop(oldest).pack()
        return block


class _Block:
    """Some seconds that follow each other."""

    def __init__(self, packed: bytes | None) -> None:
        if packed is None:
            self._rows = array("q", bytes(8 * _WIDTH * _BLOCK_SECONDS))
            self._sparse = [_NOTHING] * _BLOCK_SECONDS
        else:
            columns, self._sparse = _BLOCK_DECODER.decode(zlib.decompress(packed))
            self._rows = array("q", chain.from_iterable(zip(*columns, strict=True)))

    def pack(self) -> bytes:
        """The block in little room: a fleet's seconds are many, and alike column by column."""
        columns = [self._rows[place::_WIDTH].tolist() for place in range(_WIDTH)]
        return zlib.compress(msgspec.msgpack.encode((columns, self._sparse)), 1)

    def put(self, place: int, row: Sequence[int], sparse: _Sparse) -> tuple[Sequence[int], _Sparse]:
        begin = place * _WIDTH
        replaced = self._rows[begin : begin + _WIDTH], self._sparse[place]
        self._rows[begin : begin + _WIDTH] = array("q", row)
        self._sparse[place] = sparse
        return replaced

    def __iter__(self) -> Iterator[tuple[int, Sequence[int], _Sparse]]:
        for place, sparse in enumerate(self._sparse):
            row = self._rows[place * _WIDTH : (place + 1) * _WIDTH]
            if row[0]:
                yield place, row, sparse


class _StepSums:
    """The seconds of one step over several pods."""

    def __init__(self) -> None:
        self._rows: dict[int, list[int]] = {}
        self._sparse: dict[int, dict[int | ErrorKind, int]] = {}
        self._order: list[int] = []
        self._seconds: dict[int, Second] = {}
        self._changed: set[int] = set()

    def add_to_second(self, second: int, difference: Sequence[int]) -> None:
        """Add to a second. A second that no pod has any more is removed."""
        previous_row = self._rows.get(second)
        if previous_row is None:
            insort(self._order, second)
            previous_row = [0] * _WIDTH
        row = list(map(add, previous_row, difference))
        if row[0]:
            self._rows[second] = row
            self._changed.add(second)
        else:
            self._rows.pop(second, None)
            self._changed.discard(second)
            del self._order[bisect_left(self._order, second)]

    def add_sparse(self, second: int, sparse: _Sparse, sign: Callable[[int, int], int]) -> None:
        """Add errors and response times to a second, or take them away. What is zero is not kept."""
        errors, times = sparse
        if not (errors or times):
            return
        sums = self._sparse.setdefault(second, {})
        for kind, count in chain[tuple[int | ErrorKind, int]](errors.items(), buckets_of(times).items()):
            total = sign(sums.get(kind, 0), count)
            if total:
                sums[kind] = total
            else:
                del sums[kind]
        if not sums:
            del self._sparse[second]

    def seconds(self) -> tuple[Second, ...]:
        for second in self._changed:
            self._seconds[second] = _second(second, self._rows[second], self._sparse.get(second, {}))
        self._changed.clear()
        return tuple(map(self._seconds.__getitem__, self._order))


def _row(second: Second) -> tuple[int, ...]:
    return (1, *structs.astuple(second.counts), *(getattr(second, name) for name in _OTHER_FIELDS))


def _sparse(second: Second) -> _Sparse:
    return (second.errors, second.answer_times) if second.errors or second.answer_times else _NOTHING


def _second(number: int, row: Sequence[int], sparse: dict[int | ErrorKind, int]) -> Second:
    counts = Counts(**dict(zip(_COUNT_FIELDS, row[1:], strict=False)))
    other_fields = dict(zip(_OTHER_FIELDS, row[1 + len(_COUNT_FIELDS) :], strict=True))
    errors = {kind: sparse[kind] for kind in sorted(kind for kind in sparse if isinstance(kind, ErrorKind))}
    buckets = {bucket: count for bucket, count in sparse.items() if isinstance(bucket, int)}
    return Second(second=number, counts=counts, errors=errors, answer_times=coarse_times(buckets), **other_fields)
