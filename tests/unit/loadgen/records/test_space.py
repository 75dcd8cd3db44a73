"""The space of a pod's records: its bounds and its ids."""

from bisect import bisect

import numpy as np
import pytest

from loadgen.records import ROWS_PER_POD, RecordSpace
from loadgen.records.space import code_words, lower_case, run_prefix
from loadtest_model.measurement.run_rows import RUN_CHARACTERS


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((-1, 0, 0, 1), "seed"),
        ((0, -1, 0, 1), "run_tag"),
        ((0, 2**48, 0, 1), "run_tag"),
        ((0, 0, 0, 0), "pod_count"),
        ((0, 0, 0, 1_001), "pod_count"),
        ((0, 0, 2, 2), "pod_index"),
        ((0, 0, -1, 2), "pod_index"),
    ],
)
def test_a_number_out_of_range_is_refused_by_its_name(arguments: tuple[int, int, int, int], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        RecordSpace(*arguments)


def test_prefixes_tell_runs_and_pods_apart() -> None:
    tags = [0, 1, 31, 32, 2**47, 2**48 - 1]

    prefixes = {RecordSpace(0, tag, pod, 1_000).prefix for tag in tags for pod in range(1_000)}

    assert len(prefixes) == 6_000
    assert {len(prefix) for prefix in prefixes} == {12}


def test_every_id_of_a_run_begins_with_what_finds_all_rows_of_the_run() -> None:
    tag = 2**47 + 12_345

    beginnings = {
        client_id[:RUN_CHARACTERS]
        for pod in (0, 1, 999)
        for client_id in RecordSpace(7, tag, pod, 1_000).client_ids(0, 50)
    }

    assert beginnings == {run_prefix(tag)}
    assert run_prefix(tag) != run_prefix(tag + 1)


def test_a_code_is_the_numbers_base_32_digits_with_the_highest_first() -> None:
    numbers = np.array([0, 1, 31, 32, ROWS_PER_POD - 1], np.uint64)

    text = code_words(numbers).astype("<u8").tobytes().decode()

    assert [text[at : at + 8] for at in range(0, 40, 8)] == [
        "00000000",
        "00000001",
        "0000000Z",
        "00000010",
        "ZZZZZZZZ",
    ]


def test_lower_case_changes_letters_alone() -> None:
    words = np.frombuffer(b"0A9ZBC7X", "<u8").astype(np.uint64)

    assert lower_case(words).astype("<u8").tobytes() == b"0a9zbc7x"


def test_neighbouring_records_have_ids_far_apart() -> None:
    ids = RecordSpace(1, 1).client_ids(0, 1_000)

    assert len({identity[12:14] for identity in ids}) > 300
    assert ids != sorted(ids)


def test_the_ids_of_a_chunk_fall_all_over_an_index_and_not_beside_each_other() -> None:
    space = RecordSpace(1, 1)
    stored_ids = sorted(space.client_ids(0, 100_000))

    places = [bisect(stored_ids, identity) for identity in space.client_ids(100_000, 2_500)]

    # A page of an index holds some hundred ids; 2,500 ids that are drawn at random reach nearly all of the 1,000 pages.
    assert len({place // 100 for place in places}) > 850
