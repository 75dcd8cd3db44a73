"""Numbers written in so many characters, and the order that they come in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadgen.records.digits import Alphabet, DecimalScatter, words_of
from loadgen.records.words import Words


def texts(numbers: list[int], width: int, alphabet: Alphabet) -> list[str]:
    parts = words_of(np.array(numbers, np.uint64), width, alphabet)
    made = [bytearray(width) for _ in numbers]
    for at, words in parts:
        for row, word in zip(made, words.astype(f"<u{words.itemsize}"), strict=True):
            row[at : at + words.itemsize] = word.tobytes()
    return [bytes(row).decode() for row in made]


@given(st.integers(1, 12), st.lists(st.integers(0, 2**50), min_size=1, max_size=5))
def test_a_number_is_written_in_so_many_decimal_digits(width: int, numbers: list[int]) -> None:
    numbers = [number % 10**width for number in numbers]

    assert texts(numbers, width, Alphabet.DIGITS) == [str(number).zfill(width) for number in numbers]


@given(st.integers(1, 12), st.lists(st.integers(0, 2**50), min_size=1, max_size=5))
def test_a_number_is_written_in_so_many_characters_of_base_32(width: int, numbers: list[int]) -> None:
    symbols = Alphabet.BASE_32.value
    numbers = [number % 32**width for number in numbers]
    expected = ["".join(symbols[number >> 5 * place & 31] for place in reversed(range(width))) for number in numbers]

    assert texts(numbers, width, Alphabet.BASE_32) == expected


@pytest.mark.parametrize("digits", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("keys", [(0, 0, 0, 0), (2**64 - 1, 5, 2**63, 77)])
def test_a_decimal_scatter_gives_every_number_of_its_range_once(digits: int, keys: tuple[int, ...]) -> None:
    scatter = DecimalScatter(digits, keys)

    images = scatter(np.arange(scatter.size, dtype=np.uint64))

    assert np.array_equal(np.sort(images), np.arange(scatter.size, dtype=np.uint64))


def test_neighbours_are_scattered_over_the_range() -> None:
    images = DecimalScatter(12, (1, 2, 3, 4))(np.arange(10_000, dtype=np.uint64))

    assert len(np.unique(images)) == 10_000
    assert np.histogram(images, 10, (0, 10**12))[0] == pytest.approx([1_000] * 10, rel=0.2)


@given(st.integers(0, 2**64), st.integers(1, 2**63))
def test_a_wide_draw_is_the_upper_half_of_a_word_times_its_bound(key: int, bound: int) -> None:
    words = Words(key).raw(8).tolist()

    assert Words(key).within(bound, 8).tolist() == [word * bound >> 64 for word in words]
