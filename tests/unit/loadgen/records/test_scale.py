"""That nothing unique comes twice in a long run of many pods, and that people vary, read from the composed bytes."""

import numpy as np
from numpy.typing import NDArray

from loadtest_model.records.phone_space import phone_capacity
from support.record_plans import composer_of, content, records_plan

Bytes = NDArray[np.uint8]

PODS = 8
ROWS_PER_POD = 2_500_000
ROWS = 50_000
_BASE_32 = np.full(256, 255, np.uint8)
_BASE_32[np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", np.uint8)] = np.arange(32)
_BASE_32[np.frombuffer(b"0123456789abcdefghjkmnpqrstvwxyz", np.uint8)] = np.arange(32)


def decoded(data: Bytes, starts: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The 20 characters of base 32 that begin at each place, but for the first eight, which are of the run alone."""
    digits = _BASE_32[data[starts[:, None] + np.arange(8, 20)]].astype(np.uint64)
    assert digits.max() < 32
    weights = np.uint64(32) ** np.arange(11, -1, -1, dtype=np.uint64)
    return digits @ weights


def unique_fields(data: Bytes, prefix: bytes) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    """The ids, the codes in the e-mails, and the ten digits of the phones of a file's rows."""
    line_ends = np.flatnonzero(data == ord("\n"))
    rows = line_ends[:-1] + 1
    at_signs = np.flatnonzero(data == ord("@"))
    plus_signs = np.flatnonzero(data == ord("+"))
    assert len(rows) == len(at_signs) == len(plus_signs)
    for starts, run in ((rows, prefix), (at_signs - 20, prefix.lower())):
        assert (data[starts[:, None] + np.arange(8)] == np.frombuffer(run, np.uint8)).all()
    digits = data[plus_signs[:, None] + [3, 4, 5, 7, 8, 9, 11, 12, 13, 14]] - ord("0")
    return decoded(data, rows), decoded(data, at_signs - 20), digits.astype(np.int64) @ 10 ** np.arange(9, -1, -1)


def all_differ(numbers: NDArray[np.generic]) -> bool:
    numbers.sort()
    return bool((numbers[1:] != numbers[:-1]).all())


def test_twenty_million_rows_of_eight_pods_share_neither_id_nor_email_nor_phone() -> None:
    total = PODS * ROWS_PER_POD
    assert total < phone_capacity()
    ids, emails = np.empty(total, np.uint64), np.empty(total, np.uint64)
    phones = np.empty(total, np.int64)
    plan = records_plan()

    at = 0
    for index in range(PODS):
        pod = composer_of(plan, pod_index=index, pod_count=PODS)
        for _ in range(ROWS_PER_POD // ROWS):
            batch = pod.compose(ROWS)
            prefix = str(batch.first_client_id)[:8].encode()
            data = np.frombuffer(content(batch), np.uint8)
            found = slice(at, at + ROWS)
            ids[found], emails[found], phones[found] = unique_fields(data, prefix)
            at += ROWS

    assert np.array_equal(ids, emails)
    assert all_differ(ids)
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
