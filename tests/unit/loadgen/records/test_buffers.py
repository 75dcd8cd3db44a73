"""The pool of chunk memory."""

from loadgen.records.buffers import Buffers


def test_memory_is_not_given_again_while_a_slice_of_a_view_is_referenced() -> None:
    buffers = Buffers(most_free_blocks=4)
    part = buffers.get(1_000).data.toreadonly()[10:20]

    addresses = {buffers.get(1_000).__array_interface__["data"][0] for _ in range(3)}

    assert len(addresses) == 1
    assert addresses != {memory_of(part)}


def test_memory_that_nobody_refers_to_is_given_again() -> None:
    buffers = Buffers(most_free_blocks=4)
    first = buffers.get(1_000)
    address = first.__array_interface__["data"][0]

    del first

    assert buffers.get(2_000).__array_interface__["data"][0] == address


def test_a_block_that_is_too_small_is_replaced() -> None:
    buffers = Buffers(most_free_blocks=4)
    buffers.get(1_000)

    assert len(buffers.get(100_000)) == 100_000


def test_no_more_is_kept_than_was_asked_for() -> None:
    buffers = Buffers(most_free_blocks=2)
    held = [buffers.get(1_000) for _ in range(5)]

    del held

    assert len(buffers._free) == 2


def memory_of(view: memoryview) -> int:
    owner = view.obj
    address: int = owner.__array_interface__["data"][0]  # type: ignore[attr-defined]
    return address
