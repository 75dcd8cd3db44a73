"""Laws of the record composer that hold for every input."""

import csv
import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadgen.records import Column, CsvRendering, RecordSpace
from loadgen.records.code_order import CodeOrder
from loadgen.records.scatter import Scatter
from loadgen.records.words import Words
from loadtest_model.plan.records import DialectPlan


@given(bits=st.integers(2, 16), key=st.integers(0, 2**64 - 1))
def test_a_scatter_is_a_bijection_of_its_range(bits: int, key: int) -> None:
    images = Scatter(bits, key)(np.arange(2**bits, dtype=np.uint64))

    assert np.array_equal(np.sort(images), np.arange(2**bits))


@given(bits=st.integers(2, 64), key=st.integers(0, 2**64 - 1), number=st.integers(0, 2**64 - 1))
def test_one_number_is_scattered_as_many_are(bits: int, key: int, number: int) -> None:
    scatter = Scatter(bits, key)
    number %= scatter.size

    assert scatter.image_of(number) == scatter(np.array([number], np.uint64))[0]


@given(key=st.integers(0, 2**64 - 1), numbers=st.lists(st.integers(0, 2**40 - 1), unique=True))
def test_forty_bits_stay_forty_bits_and_apart(key: int, numbers: list[int]) -> None:
    images = Scatter(40, key)(np.array(numbers, np.uint64)).tolist()

    assert len(set(images)) == len(numbers)
    assert all(image < 2**40 for image in images)


keys = st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))


@given(keys=keys, beginning_bits=st.integers(2, 7), ending_bits=st.integers(2, 7))
def test_an_order_of_codes_is_a_bijection_of_its_range(
    keys: tuple[int, int], beginning_bits: int, ending_bits: int
) -> None:
    order = CodeOrder(keys, beginning_bits + ending_bits, beginning_bits)

    images = order.images(0, 2**order.bits)

    assert np.array_equal(np.sort(images), np.arange(2**order.bits))


@given(keys=keys, beginning_bits=st.integers(2, 15), first=st.integers(0, 2**40 - 300), count=st.integers(1, 300))
def test_the_images_of_consecutive_numbers_are_those_of_each_of_them(
    keys: tuple[int, int], beginning_bits: int, first: int, count: int
) -> None:
    order = CodeOrder(keys, beginning_bits=beginning_bits)

    assert order.images(first, count).tolist() == [order.image_of(number) for number in range(first, first + count)]


@given(seed=st.integers(0, 2**63), first=st.integers(0, 2**40 - 5_000), count=st.integers(1, 5_000))
def test_the_ids_of_consecutive_records_are_those_of_each_of_them(seed: int, first: int, count: int) -> None:
    space = RecordSpace(seed, 1)

    ids = space.client_ids(first, count)

    assert len(set(ids)) == count
    numbers = {first, first + count // 2, first + count - 1}
    assert all(ids[number - first] == space.client_id(number) for number in numbers)


@given(
    seed=st.integers(0, 2**63),
    first=st.tuples(st.integers(0, 2**48 - 1), st.integers(0, 999), st.integers(0, 2**40 - 1)),
    second=st.tuples(st.integers(0, 2**48 - 1), st.integers(0, 999), st.integers(0, 2**40 - 1)),
)
def test_ids_are_equal_only_for_the_same_run_pod_and_number(
    seed: int, first: tuple[int, int, int], second: tuple[int, int, int]
) -> None:
    ids = [RecordSpace(seed, tag, pod, 1_000).client_ids(number, 1)[0] for tag, pod, number in (first, second)]

    assert (ids[0] == ids[1]) == (first == second)


fields = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@given(
    rows=st.lists(st.lists(fields, min_size=2, max_size=4), min_size=1, max_size=6).filter(
        lambda rows: len({len(row) for row in rows}) == 1
    )
)
def test_rendered_rows_are_byte_for_byte_those_of_the_csv_module(rows: list[list[str]]) -> None:
    expected_text = io.StringIO(newline="")
    csv.writer(expected_text).writerows(rows)
    columns = [Column(f"column {place}") for place in range(len(rows[0]))]

    rendered_rows = CsvRendering(columns).rows([list(column) for column in zip(*rows, strict=True)])

    assert b"".join(rendered_rows) == expected_text.getvalue().encode()


@given(
    row=st.lists(fields, min_size=2, max_size=4),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quoting=st.sampled_from(["minimal", "all"]),
    line_end=st.sampled_from(["CRLF", "LF"]),
)
def test_in_every_dialect_a_row_is_byte_for_byte_that_of_the_csv_module(
    row: list[str], delimiter: Any, quoting: Any, line_end: Any
) -> None:
    expected_text = io.StringIO(newline="")
    rules = csv.QUOTE_ALL if quoting == "all" else csv.QUOTE_MINIMAL
    end = "\n" if line_end == "LF" else "\r\n"
    csv.writer(expected_text, delimiter=delimiter, quoting=rules, lineterminator=end).writerow(row)
    columns = [Column(f"column {place}") for place in range(len(row))]
    dialect = DialectPlan(delimiter=delimiter, quoting=quoting, line_end=line_end)

    (rendered_rows,) = CsvRendering(columns, dialect).rows([[field] for field in row])

    assert rendered_rows == expected_text.getvalue().encode()


@given(key=st.integers(0, 2**64), bound=st.integers(1, 2**31 - 1))
@settings(max_examples=50)
def test_draws_lie_below_their_bound_and_one_draw_equals_the_next_of_many(key: int, bound: int) -> None:
    draws = Words(key).below(bound, 8).tolist()
    source = Words(key)

    assert [source.one_below(bound) for _ in range(8)] == draws
    assert all(0 <= value < bound for value in draws)


@pytest.mark.parametrize("weights", [(1, 0, 3), (5,), (78, 12, 7, 3)])
def test_choices_follow_their_weights(weights: tuple[int, ...]) -> None:
    chosen = Words(1).choose(weights, 100_000)

    shares = np.bincount(chosen, minlength=len(weights)) / 100_000
    assert shares == pytest.approx(np.array(weights) / sum(weights), abs=0.01)
