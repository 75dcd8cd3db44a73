"""Rows that are deflated once: what is written over their kept bytes is what inflates."""

import zlib
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.formats import XlsxFormat
from loadgen.formats.deflated_rows import RowDeflater
from loadgen.records import Batch, Composer, RecordSpace, load_pools
from loadgen.records.marks import MARK_CHARACTERS, Slot
from loadgen.records.packing import ABSENT, PackedDraft
from loadgen.records.sources import CLIENT_CODE, HOUSE
from loadtest_model.plan.columns import columns_of
from support.record_files import composer_for
from support.record_plans import records_plan

SLOTS = [Slot("\x01", CLIENT_CODE), Slot("\x02", HOUSE, may_be_absent=True)]


def inflate(segments: bytes) -> bytes:
    return zlib.decompressobj(wbits=-15).decompress(segments)


def row(texts: Sequence[bytes], order: Sequence[int]) -> bytes:
    """A row with these texts around the marks of these slots."""
    pieces = [texts[0]]
    for text, slot in zip(texts[1:], order, strict=True):
        pieces += SLOTS[slot].mark.encode(), text
    return b"".join(pieces)


TEXTS = st.sampled_from([b"", b"a", b"</row><row>", b"the same again and again", "Côté".encode(), b"\xff" * 9])
ROWS = st.lists(
    st.one_of(
        st.tuples(TEXTS, TEXTS).map(lambda texts: row(texts, [0])),
        st.tuples(TEXTS, TEXTS, TEXTS).map(lambda texts: row(texts, [0, 1])),
        st.tuples(TEXTS, TEXTS, TEXTS).map(lambda texts: row(texts, [1, 0])),
    ),
    min_size=1,
    max_size=30,
)


@given(st.lists(ROWS, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_each_run_of_segments_inflates_to_its_rows_with_what_was_written_over_the_marks(
    slices: list[list[bytes]], random: Random
) -> None:
    draft = PackedDraft(RowDeflater(), SLOTS)
    for rows in slices:
        data = b"".join(rows)
        starts = np.cumsum([0, *map(len, rows[:-1])])
        marks = np.array([[_find(row, slot, start) for row, start in zip(rows, starts, strict=True)] for slot in SLOTS])
        draft.add(data, marks)
    packed = draft.finish()
    rows = [row for rows in slices for row in rows]
    stream = bytearray(packed.data.tobytes())
    expected_rows = [bytearray(row) for row in rows]
    for slot, offsets in zip(SLOTS, packed.marks, strict=True):
        for expected, offset in zip(expected_rows, offsets.tolist(), strict=True):
            if offset == ABSENT:
                assert slot.mark.encode() not in expected
                continue
            text = bytes(random.choices(b"0123456789ABCDEFxyz", k=slot.source.width))
            stream[offset : offset + len(text)] = text
            begin = expected.index(slot.mark.encode())
            expected[begin : begin + len(text)] = text

    first = random.randrange(len(packed.starts) - 1)
    last = random.randrange(first + 1, len(packed.starts))

    segments = bytes(stream[packed.starts[first] : packed.starts[last]])
    assert inflate(segments) == b"".join(expected_rows[packed.first_rows[first] : packed.first_rows[last]])
    assert packed.first_rows[-1] == len(rows)


def _find(data: bytes, slot: Slot, start: int) -> int:
    offset = data.find(slot.mark.encode())
    return ABSENT if offset < 0 else int(start) + offset


def check_parts(batch: Batch) -> tuple[int, int]:
    """Hold the parts of a batch against its chunks; how many of its bytes were deflated already, and how many not."""
    parts = list(batch.parts())
    assert b"".join(part.plain for part in parts) == b"".join(batch.chunks())
    for part in parts:
        assert part.packed is None or inflate(bytes(part.packed)) == part.plain
    packed_bytes = sum(len(part.plain) for part in parts if part.packed is not None)
    return packed_bytes, sum(len(part.plain) for part in parts) - packed_bytes


@pytest.mark.parametrize(("rows", "least_share"), [(10_000, 0.99), (7_600, 0.97), (1_000, 0.79), (350, 0.5), (10, 0)])
def test_what_is_deflated_already_is_what_the_rows_are(rows: int, least_share: float) -> None:
    composer = composer_for(XlsxFormat())

    for _ in range(4):
        packed_bytes, other_bytes = check_parts(composer.compose(rows))
        assert packed_bytes >= least_share * (packed_bytes + other_bytes)


WRONG = {"invalid": {"share": 0.3}}
MANY_SLOTS = {
    "fields": {
        "add": [
            {"name": "a", "kind": "unique", "width": 3},
            {"name": "b", "kind": "pattern", "pattern": "#####-?", "unique": True},
            {"name": "c", "kind": "integer", "min": 0, "max": 99_999, "nullShare": 0.5},
            {"name": "d", "kind": "template", "template": "{a}{b}{client_id:lower}{a:lower}"},
        ],
        "order": ["d", "a"],
    }
}


@pytest.mark.parametrize("records", [WRONG, MANY_SLOTS], ids=["wrong rows", "columns of one's own"])
def test_wrong_rows_and_columns_of_ones_own_are_deflated_beforehand_too(records: dict[str, Any]) -> None:
    plan = records_plan(**records)
    rendering = XlsxFormat(columns_of(plan.columns)).rendering
    composer = Composer(RecordSpace(seed=3, run_tag=5), load_pools(), rendering, plan)

    for _ in range(3):
        packed_bytes, other_bytes = check_parts(composer.compose(6_000))
        assert packed_bytes > 0.8 * (packed_bytes + other_bytes)


def test_no_part_that_is_deflated_holds_a_mark() -> None:
    composer = composer_for(XlsxFormat())

    for part in composer.compose(5_000).parts():
        if part.packed is not None:
            assert not set(MARK_CHARACTERS.encode()) & set(inflate(bytes(part.packed)))
