"""That nothing unique comes twice in a long run of many pods, and that people vary, read from the composed bytes."""

from itertools import islice

import numpy as np
from numpy.typing import NDArray

from loadtest_model.records.phone_space import phone_capacity
from support.record_plans import composer_of, content, records_plan

Bytes = NDArray[np.uint8]

PODS = 8
ROWS_PER_POD = 2_500_000
ROWS = 50_000
# What letters of both cases have in common.
_EITHER_CASE = np.uint64(0xDFDFDFDFDFDFDFDF)
_DIGITS_OF_BYTES = np.uint64(0x000F0F0F000F0F0F)


def eight_bytes(data: Bytes, starts: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The eight bytes that begin at each place, as one number."""
    words: NDArray[np.uint64] = np.ndarray(len(data) - 7, "<u8", data, strides=(1,))
    return words[starts]


def id_and_phone_numbers(data: Bytes, pod: bytes) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """A number for the id of each of these rows and one for its phone, which differ where these differ.

    An id has twenty characters, of which the first twelve are the pod's, and the e-mail has it in small letters.
    """
    marks = np.flatnonzero((data == ord("\n")) | (data == ord("@")))
    at_signs, line_ends = marks[::2], marks[1::2]
    rows, emails, plus_signs = np.append(0, line_ends[:-1] + 1), at_signs - 20, at_signs + len("@example.org,")
    assert (data[line_ends] == ord("\n")).all()
    assert (data[at_signs] == ord("@")).all()
    assert (data[plus_signs] == ord("+")).all()
    for starts, text in ((rows, pod), (emails, pod.lower())):
        for at in (0, 4):
            assert (eight_bytes(data, starts + at) == np.frombuffer(text[at : at + 8], "<u8")).all()
    ids = eight_bytes(data, rows + 12) & _EITHER_CASE
    assert np.array_equal(ids, eight_bytes(data, emails + 12) & _EITHER_CASE)
    # Of +1-437-983-1063 the digits after the country's: six of them, and four in the upper halves of the bytes.
    area_and_exchange = eight_bytes(data, plus_signs + 3) & _DIGITS_OF_BYTES
    line = eight_bytes(data, plus_signs + 11) & np.uint64(0x0F0F0F0F)
    return ids, area_and_exchange | line << np.uint64(4)


def all_differ(numbers: NDArray[np.generic]) -> bool:
    numbers.sort()
    return bool((numbers[1:] != numbers[:-1]).all())


def test_twenty_million_rows_of_eight_pods_share_neither_id_nor_email_nor_phone() -> None:
    total = PODS * ROWS_PER_POD
    assert total < phone_capacity()
    ids, phones = np.empty(ROWS_PER_POD, np.uint64), np.empty(total, np.uint64)
    plan = records_plan()
    pods: set[bytes] = set()

    for index in range(PODS):
        source = composer_of(plan, pod_index=index, pod_count=PODS)
        pod = b""
        count = 0
        for _ in range(ROWS_PER_POD // ROWS):
            batch = source.compose(ROWS)
            pod = pod or str(batch.first_client_id)[:12].encode()
            for chunk in islice(batch.chunks(), 1, None):
                new_ids, new_phones = id_and_phone_numbers(np.frombuffer(chunk, np.uint8), pod)
                ids[count : count + len(new_ids)] = new_ids
                phones[index * ROWS_PER_POD + count :][: len(new_ids)] = new_phones
                count += len(new_ids)
        assert count == ROWS_PER_POD
        assert all_differ(ids)
        pods.add(pod)

    assert len(pods) == PODS
    assert all_differ(phones)


_MULTIPLIERS = np.random.PCG64(1).random_raw(256) | np.uint64(1)


def texts_hashed(data: Bytes, starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.uint64]:
    """A number for each text between two places; equal texts have equal ones."""
    width = int((ends - starts).max())
    span = starts[:, None] + np.arange(width)
    letters = np.where(span < ends[:, None], data[np.minimum(span, len(data) - 1)], 0).astype(np.uint64)
    return letters @ _MULTIPLIERS[:width]


def pairs_in(file: bytes) -> NDArray[np.uint64]:
    """A number for the names and the address of every row; of an address with a comma for what is before it."""
    data = np.frombuffer(file, np.uint8)
    commas = np.flatnonzero(data == ord(","))
    first = np.searchsorted(commas, np.flatnonzero(data == ord("\n"))[:-1])
    names = texts_hashed(data, commas[first] + 1, commas[first + 2])
    addresses = texts_hashed(data, commas[first + 4] + 1, commas[first + 5])
    return names * np.uint64(0x9E3779B97F4A7C15) + addresses


def test_ten_million_rows_show_at_least_a_million_pairs_of_name_and_address() -> None:
    source = composer_of(records_plan())

    # Of every ten batches three are looked at: when they show a million, all ten do.
    found = []
    for _ in range(100):
        for _ in range(7):
            source.compose(10_000)
        found += [pairs_in(content(source.compose(10_000))) for _ in range(3)]

    pairs = np.concatenate(found)
    pairs.sort()
    assert 1 + np.count_nonzero(pairs[1:] != pairs[:-1]) > 1_000_000
