"""How uploads spread over the target's addresses, bounded however many there are."""

from collections.abc import Iterable
from typing import Final

from msgspec import structs

from loadtest_model.values import WireValue

MOST_ADDRESSES: Final = 100
OTHER_ADDRESSES: Final = "others"


class AddressCounts(WireValue, frozen=True, kw_only=True):
    """The uploads to one address, the warm-up included. `failed` leaves out what we cut ourselves. Of the failed,
    `refused` are those whose connection was, `unanswered` those whose connection was not answered in time, `cut`
    those whose connection was lost before a complete answer, whatever it was taken for, and `stale` those whose kept
    connection was lost before any. `rerouted` are no part of `sent`: they were meant for this address and went to
    another, since it had left the target.
    """

    sent: int = 0
    accepted: int = 0
    failed: int = 0
    refused: int = 0
    unanswered: int = 0
    cut: int = 0
    stale: int = 0
    rerouted: int = 0

    def merge(self, other: "AddressCounts") -> "AddressCounts":
        return merged_address_counts((self, other))


def merged_address_counts(parts: Iterable[AddressCounts]) -> AddressCounts:
    """All counts added up."""
    sums = map(sum, zip(*map(structs.astuple, parts), strict=True))
    return AddressCounts(**dict(zip(AddressCounts.__struct_fields__, sums, strict=False)))


Spread = dict[str, AddressCounts]


def merged_spread(spreads: Iterable[Spread]) -> Spread:
    """All spreads in one, bounded; in whatever order and grouping they are merged, the outcome is the same."""
    by_address: dict[str, list[AddressCounts]] = {}
    for spread in spreads:
        for address, address_counts in spread.items():
            by_address.setdefault(address, []).append(address_counts)
    return limit_addresses(
        {address: merged_address_counts(address_counts) for address, address_counts in by_address.items()}
    )


def limit_addresses(spread: Spread) -> Spread:
    """The first addresses in the order of their names, and all others as one.

    The choice depends on names alone: an address that one pod could not keep, no merge with another could keep.
    """
    addresses = sorted(address for address in spread if address != OTHER_ADDRESSES)
    limited_spread = {address: spread[address] for address in addresses[:MOST_ADDRESSES]}
    other_counts = [spread[address] for address in addresses[MOST_ADDRESSES:]]
    if OTHER_ADDRESSES in spread:
        other_counts.append(spread[OTHER_ADDRESSES])
    if other_counts:
        limited_spread[OTHER_ADDRESSES] = merged_address_counts(other_counts)
    return limited_spread
