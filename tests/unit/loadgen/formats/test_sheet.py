"""Rows as the XML of a sheet."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils import get_column_letter

from loadgen.formats.sheet import SheetRendering, column_letters
from loadgen.records import Column

NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
XML_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff"))


def sheet(columns: list[Column], *rows: list[str]) -> ElementTree.Element:
    """The sheet's data as a parser of XML sees it."""
    rendering = SheetRendering(columns)
    rendered = b"".join(rendering.rows([list(column) for column in zip(*rows, strict=True)])) if rows else b""
    return ElementTree.fromstring(rendering.prologue(len(rows)) + rendering.head + rendered + rendering.tail)


def cells(columns: list[Column], *rows: list[str]) -> list[list[tuple[str | None, str | None]]]:
    """Of each row under the header, the type and the content of each cell."""
    found = sheet(columns, *rows).findall(f".//{NAMESPACE}row")[1:]
    return [[(cell.get("t"), next(cell.itertext(), None)) for cell in row] for row in found]


TEXT, NUMBER = Column("note"), Column("balance", is_number=True)


def test_numbers_are_cells_without_a_type_and_texts_stand_within_their_cell() -> None:
    assert cells([TEXT, NUMBER], ["001", "-12.50"]) == [[("inlineStr", "001"), (None, "-12.50")]]


def test_an_empty_field_is_an_empty_cell_in_its_place() -> None:
    rows = cells([TEXT, NUMBER, TEXT], ["", "", "a"], ["b", "1", ""])

    assert rows == [[(None, None), (None, None), ("inlineStr", "a")], [("inlineStr", "b"), (None, "1"), (None, None)]]


@pytest.mark.parametrize("field", ["twelve", "1e5", "1,5", ".5", "NaN", "1 000", " 1", "0x1F", "1."])
def test_what_is_no_decimal_number_is_a_text_in_a_column_of_numbers_too(field: str) -> None:
    assert cells([NUMBER], [field]) == [[("inlineStr", field)]]


@given(rows=st.lists(st.tuples(XML_TEXT, XML_TEXT), min_size=1, max_size=5))
def test_every_text_survives(rows: list[tuple[str, str]]) -> None:
    shown = cells([TEXT, TEXT], *(list(row) for row in rows))

    assert [[text or "" for _, text in row] for row in shown] == [list(row) for row in rows]


@pytest.mark.parametrize("field", ["a\tb", "a\nb", "a\r\nb", "a\rb", "]]>", "<b>&amp;</b>", '"O\'Brien"', "É, è"])
def test_line_ends_tabs_and_markup_survive(field: str) -> None:
    assert cells([TEXT], [field]) == [[("inlineStr", field)]]


@pytest.mark.parametrize("field", [" a", "a ", "\ta", "a\n", " "])
def test_spaces_at_the_ends_are_marked_to_be_kept(field: str) -> None:
    (text,) = sheet([TEXT], [field]).findall(f".//{NAMESPACE}row[2]//{NAMESPACE}t")

    assert text.text == field
    assert text.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve"


@pytest.mark.parametrize(
    ("field", "code"),
    [("\x00", "0000"), ("a\x0bb", "000B"), ("\x1f", "001F"), ("\ufffe", "FFFE"), ("\ud800", "D800")],
)
def test_a_character_that_xml_has_no_way_to_hold_is_refused_with_its_column(field: str, code: str) -> None:
    with pytest.raises(ValueError, match=rf"column note holds U\+{code}"):
        SheetRendering([TEXT]).rows([[field]])


def test_the_marks_of_the_composer_pass_through() -> None:
    (row,) = SheetRendering([TEXT]).rows([["C-\x01\x01\x02\x03\x04"]])

    assert re.findall(rb"[\x01-\x04]+", row) == [b"\x01\x01\x02\x03\x04"]


def test_the_header_names_the_columns_and_escapes_them() -> None:
    (header,) = sheet([Column("R&D"), NUMBER]).findall(f".//{NAMESPACE}row")

    assert ["".join(cell.itertext()) for cell in header] == ["R&D", "balance"]


@pytest.mark.parametrize("number", [*range(1, 60), 676, 702, 703, 728, 16_384])
def test_columns_are_lettered_as_spreadsheets_do(number: int) -> None:
    assert column_letters(number) == get_column_letter(number)
