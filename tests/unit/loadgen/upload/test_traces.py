"""A trace context has the form of W3C Trace Context, version 00, and no two uploads have the same ids."""

import re
from random import Random

import pytest

from loadgen.upload.traces import Traces

HEADER = re.compile(rb"traceparent: 00-([0-9a-f]{32})-([0-9a-f]{16})-(00|01)\r\n")


class ZeroRandom(Random):
    def getrandbits(self, _bits: int, /) -> int:
        return 0


def test_every_trace_has_ids_of_its_own_in_the_form_of_the_recommendation() -> None:
    traces = Traces(0.5, Random(1))

    contexts = [traces.next() for _ in range(10_000)]

    for context in contexts:
        match = HEADER.fullmatch(context.header_line)
        assert match is not None
        assert (match[1].decode(), match[2].decode()) == (context.trace_id, context.span_id)
        assert (match[3] == b"01") == context.is_sampled
    assert len({context.trace_id for context in contexts}) == len(contexts)
    assert len({context.span_id for context in contexts}) == len(contexts)


@pytest.mark.parametrize(("ratio", "least", "most"), [(0.0, 0, 0), (0.1, 850, 1_150), (1.0, 10_000, 10_000)])
def test_the_share_that_was_asked_for_is_sampled(ratio: float, least: int, most: int) -> None:
    traces = Traces(ratio, Random(2))

    assert least <= sum(traces.next().is_sampled for _ in range(10_000)) <= most


def test_an_id_is_never_zero_which_is_no_valid_id() -> None:
    context = Traces(1.0, ZeroRandom()).next()

    assert (int(context.trace_id, 16), int(context.span_id, 16)) == (1, 1)


def test_pods_make_ids_of_their_own() -> None:
    assert Traces(1.0, Random()).next().trace_id != Traces(1.0, Random()).next().trace_id
