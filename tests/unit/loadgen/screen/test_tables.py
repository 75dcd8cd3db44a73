"""Records as a table, upright and on its side."""

from loadgen.screen.tables import table_of

ROWS = [["id", "name"], ["1", "Zoë"], ["22", "李 小龙"], ["333", "Ann\x1bmarie"]]


def test_columns_are_aligned_by_the_places_that_letters_take_and_escapes_do_not_get_through() -> None:
    assert table_of(ROWS) == "id   name\n1    Zoë\n22   李 小龙\n333  Ann marie\n"


def test_a_table_that_fits_stays_upright() -> None:
    assert table_of(ROWS, 14) == table_of(ROWS)


def test_one_that_does_not_is_turned_with_as_many_records_in_a_block_as_fit() -> None:
    assert table_of([["id", "name"], ["1", "Zoe"], ["2", "Ann"], ["3", "Marie-Claude"]], 15) == (
        "id    1    2\nname  Zoe  Ann\n\nid    3\nname  Marie-Claude\n"
    )


def test_a_record_that_is_too_wide_alone_still_has_its_block() -> None:
    assert table_of([["id", "name"], ["1", "Wolfeschlegelstein"]], 10) == "id    1\nname  Wolfeschlegelstein\n"


def test_names_alone_are_a_table() -> None:
    assert table_of([["id", "name"]], 3) == "id  name\n"
