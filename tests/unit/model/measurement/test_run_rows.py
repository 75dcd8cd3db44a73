"""What finds all rows of a run."""

from loadtest_model.measurement.run_rows import run_rows_of, run_rows_text


def test_all_rows_of_a_run_are_found_by_the_beginning_of_any_id_under_the_column_s_own_name() -> None:
    expected_text = "sku_code begins with 3R1ECCG795 in every row of this run"

    assert run_rows_text("sku_code", "3R1ECCG79500VAA6M90Q") == expected_text
    assert run_rows_of("sku_code 3R1ECCG79500VAA6M90Q", "3R1ECCG79500VAA6M90Q") == expected_text


def test_a_row_that_is_named_otherwise_has_no_such_beginning() -> None:
    assert run_rows_of("email a@example.net", "") == ""
    assert run_rows_of("email a@example.net", "3R1ECCG79500VAA6M90Q") == ""
    assert run_rows_of("", "3R1ECCG79500VAA6M90Q") == ""
