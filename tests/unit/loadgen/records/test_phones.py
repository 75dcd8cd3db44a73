"""Phones: every number once, whatever the number of pods, and again only when none is left."""

import re
from math import gcd

import numpy as np
import pytest

from loadgen.records.phones import _STRIDES, Advances, PhoneBook, phone_words
from loadtest_model.records.geography import AREA_CODES
from loadtest_model.records.phone_space import PHONES_PER_AREA_CODE, phone_capacity, phone_shortages

ONE_CODE = np.zeros(440_000, np.intp)  # Nine takes of two pods use up an area code exactly.


def taken(book: PhoneBook, rows: int) -> Advances:
    area_indices = ONE_CODE[:rows]
    bases = book.take(area_indices, 0, rows)
    return (bases[area_indices] + book.steps(area_indices)) % PHONES_PER_AREA_CODE


def test_the_pods_of_a_fleet_use_every_number_of_an_area_code_exactly_once() -> None:
    pods = [PhoneBook(seed=3, pod_index=index, pod_count=2) for index in range(2)]

    numbers = np.concatenate([taken(pod, 440_000) for _ in range(9) for pod in pods])

    assert len(numbers) == PHONES_PER_AREA_CODE
    assert np.array_equal(np.bincount(numbers), np.ones(PHONES_PER_AREA_CODE))


def test_an_area_code_that_is_used_up_begins_again_in_the_same_order() -> None:
    book = PhoneBook(seed=3, pod_index=0, pod_count=1)
    first = taken(book, 1_000)

    for _ in range(PHONES_PER_AREA_CODE // 440_000 - 1):
        taken(book, 440_000)
    taken(book, 440_000 - 1_000)

    assert np.array_equal(taken(book, 1_000), first)


def test_a_part_of_a_template_takes_the_numbers_that_come_next() -> None:
    areas = np.array([0, 1, 0, 0, 1, 2, 0, 1], np.intp)
    whole, in_parts = PhoneBook(3, 1, 5), PhoneBook(3, 1, 5)
    expected = whole.take(areas, 0, 8)[areas] + whole.steps(areas)

    first = in_parts.take(areas, 0, 3)[areas[:3]] + in_parts.steps(areas)[:3]
    second = in_parts.take(areas, 3, 5)[areas[3:]] + in_parts.steps(areas)[3:]

    numbers = np.concatenate([first, second])
    assert np.array_equal(numbers % PHONES_PER_AREA_CODE, expected % PHONES_PER_AREA_CODE)


def test_a_template_that_is_taken_again_and_again_gets_the_numbers_that_come_next() -> None:
    areas = np.array([0, 1, 0, 0, 1, 2, 0, 1], np.intp)
    book, other = PhoneBook(3, 1, 5), PhoneBook(3, 1, 5)
    three_times = np.tile(areas, 3)

    numbers = [book.take_all(book.advances(areas))[areas] + book.steps(areas) for _ in range(3)]

    expected = other.take(three_times, 0, 24)[three_times] + other.steps(three_times)
    assert np.array_equal(np.concatenate(numbers) % PHONES_PER_AREA_CODE, expected % PHONES_PER_AREA_CODE)


def test_the_stride_reaches_every_number() -> None:
    assert {gcd(stride, capacity) for capacity, stride in _STRIDES.items()} == {1}


def test_every_exchange_is_one_that_can_be_assigned() -> None:
    numbers = np.arange(0, PHONES_PER_AREA_CODE, 10_000) + np.arange(792)

    texts = phone_words(numbers).astype("<u8").view("S8")

    assert len(set(texts.tolist())) == 792
    assert all(re.fullmatch(rb"(?!.11)[2-9]\d\d-\d{4}", text) for text in texts.tolist())
    assert phone_words(np.array([0, PHONES_PER_AREA_CODE - 1])).astype("<u8").tobytes() == b"200-0000999-9999"


def test_a_run_within_the_capacity_is_short_of_no_area_code() -> None:
    assert phone_shortages(phone_capacity()) == ()


def test_a_run_beyond_the_capacity_is_told_which_area_codes_are_short_worst_first() -> None:
    shortages = phone_shortages(phone_capacity() * 2)

    expected = [shortage.expected for shortage in shortages]
    assert expected == sorted(expected, reverse=True)
    assert expected[0] == pytest.approx(2 * PHONES_PER_AREA_CODE, rel=1e-6)
    assert all(each.expected > each.capacity == PHONES_PER_AREA_CODE for each in shortages)
    assert {each.area_code for each in shortages} <= set(AREA_CODES)
