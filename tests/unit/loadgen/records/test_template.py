"""Templates: where the bytes lie that are written anew."""

import numpy as np
import pytest

from loadgen.records import CsvRendering
from loadgen.records.marks import CLIENT_MARK, EMAIL_MARK, HOUSE_MARK, PHONE_MARK, Slot
from loadgen.records.phones import PhoneBook
from loadgen.records.sources import CLIENT_CODE, EMAIL_CODE, HOUSE, PhoneEnd
from loadgen.records.template import DrawnRows, TemplateDraft
from loadtest_model.records.columns import Column

ALL_MARKS = (CLIENT_MARK, EMAIL_MARK, PHONE_MARK, HOUSE_MARK)
SLOTS = [
    Slot(mark[0], source) for mark, source in zip(ALL_MARKS, (CLIENT_CODE, EMAIL_CODE, PhoneEnd(), HOUSE), strict=True)
]
RENDERING = CsvRendering([Column("first"), *(Column(mark) for mark in "abcd")])


def drawn(*rows: tuple[str, ...]) -> DrawnRows:
    return DrawnRows(tuple(zip(*rows, strict=True)), np.zeros(len(rows), np.intp))


def test_rows_and_marks_are_found_across_slices_and_multi_byte_letters() -> None:
    draft = TemplateDraft(RENDERING, SLOTS)
    draft.add(drawn(("é", *ALL_MARKS), ("a,b", *ALL_MARKS)))
    draft.add(drawn(("", *ALL_MARKS)))

    template = draft.finish(PhoneBook(0, 0, 1))

    rows = [template.data[a:b].tobytes() for a, b in zip(template.ends, template.ends[1:], strict=False)]
    assert [row[: row.index(b"\x01")] for row in rows] == ["é,".encode(), b'"a,b",', b","]
    for mark, offsets in zip(ALL_MARKS, template.marks, strict=True):
        assert [template.data[at : at + len(mark)].tobytes() for at in offsets] == 3 * [mark.encode()]
        assert all((template.ends[:-1] <= offsets) & (offsets < template.ends[1:]))


@pytest.mark.parametrize(
    "rows",
    [
        [("", *ALL_MARKS), ("", *ALL_MARKS[1:], "")],
        [("\x01", *ALL_MARKS)],
        [(CLIENT_MARK, *ALL_MARKS), ("", "", *ALL_MARKS[1:])],
        [("\x01\x01\x01\x01", "\x01\x01\x01\x01", *ALL_MARKS[1:])],
    ],
    ids=["missing", "a stray character", "twice in one row and never in the next", "torn"],
)
def test_a_mark_that_is_not_once_in_every_row_is_refused(rows: list[tuple[str, ...]]) -> None:
    with pytest.raises(ValueError, match="exactly once"):
        TemplateDraft(RENDERING, SLOTS).add(drawn(*rows))
