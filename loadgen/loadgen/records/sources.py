"""What is written anew in every row: the words of bytes for the rows of one piece of a batch."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from loadgen.records.digits import Alphabet, DecimalScatter, words_of
from loadgen.records.phones import PhoneNumbers, phone_words, reserved_phone_words
from loadgen.records.scatter import Scatter
from loadgen.records.space import CODE_LENGTH, RecordSpace, lower_case
from loadgen.records.words import Words
from loadtest_model.records.phone_space import Contact, phones_per_area_code

MarkWords = tuple[int, NDArray[np.unsignedinteger]]
"""Where within a mark bytes begin, and for each row a word of them, the first byte lowest."""

_UNIQUE_STREAM: Final = 6
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # The golden section of 2**64, odd.


class PieceRows:
    """The rows of a piece: the pod's numbers that are theirs, from `first_number` on, and their phones' numbers.

    `has_copied_id` are rows with the client id of number `duplicate_of`.
    """

    def __init__(
        self,
        space: RecordSpace,
        first_number: int,
        phone_numbers: PhoneNumbers,
        has_copied_id: NDArray[np.bool_] | None = None,
        duplicate_of: int = 0,
    ) -> None:
        self.space = space
        self.first_number = first_number
        self.count = len(phone_numbers)
        self.phone_numbers = phone_numbers
        self.has_copied_id = has_copied_id
        self.duplicate_of = duplicate_of

    @cached_property
    def numbers(self) -> NDArray[np.uint64]:
        return np.arange(self.first_number, self.first_number + self.count, dtype=np.uint64)

    @cached_property
    def scattered_numbers(self) -> NDArray[np.uint64]:
        return self.space.code_order.images(self.first_number, self.count)

    @cached_property
    def codes(self) -> NDArray[np.uint64]:
        return self.space.codes(self.first_number, self.count)


class ByteSource(Protocol):
    """Gives bytes of a fixed width for each row."""

    @property
    def width(self) -> int: ...

    def parts(self, rows: PieceRows) -> list[MarkWords]:
        """The bytes of each row, in words of 8, 4, 2 or 1 that lie side by side."""
        ...

    def in_case(self, is_lower: bool) -> "ByteSource":
        """The same in small or in capital letters."""
        ...


@dataclass(frozen=True, slots=True)
class _ClientCode:
    """The code of each record's client_id."""

    is_lower: bool = False
    width: int = CODE_LENGTH

    def parts(self, rows: PieceRows) -> list[MarkWords]:
        codes = rows.codes
        if rows.has_copied_id is not None:
            codes = np.where(rows.has_copied_id, rows.space.codes(rows.duplicate_of, 1), codes)
        return [(0, lower_case(codes) if self.is_lower else codes)]

    def in_case(self, is_lower: bool) -> ByteSource:
        return _ClientCode(is_lower)


@dataclass(frozen=True, slots=True)
class _EmailCode:
    """The code of each record's e-mail address, which is its own also where the client_id is not."""

    is_lower: bool = True
    width: int = CODE_LENGTH

    def parts(self, rows: PieceRows) -> list[MarkWords]:
        return [(0, lower_case(rows.codes) if self.is_lower else rows.codes)]

    def in_case(self, is_lower: bool) -> ByteSource:
        return _EmailCode(is_lower)


@dataclass(frozen=True, slots=True)
class PhoneEnd:
    """The phone's number after its area code, `NXX-XXXX`."""

    contact: Contact = Contact.ANY
    width: int = 8

    @property
    def capacity(self) -> int:
        return phones_per_area_code(self.contact)

    def parts(self, rows: PieceRows) -> list[MarkWords]:
        numbers = rows.phone_numbers
        return [(0, reserved_phone_words(numbers) if self.contact == Contact.RESERVED else phone_words(numbers))]

    def in_case(self, is_lower: bool) -> ByteSource:
        del is_lower
        return self


@dataclass(frozen=True, slots=True)
class _House:
    """The last two digits of the house number."""

    width: int = 2

    def parts(self, rows: PieceRows) -> list[MarkWords]:
        return [(0, rows.space.house_digits(rows.first_number, rows.count))]

    def in_case(self, is_lower: bool) -> ByteSource:
        del is_lower
        return self


@dataclass(frozen=True, slots=True)
class LowDigits:
    """The last digits of a number, each as likely as any; `place` makes them differ from those of other fields."""

    width: int
    place: int

    def parts(self, rows: PieceRows) -> list[MarkWords]:
        factor = np.uint64((int(_FACTOR) * (2 * self.place + 1)) % 2**64)
        hashes = (rows.scattered_numbers * factor) >> np.uint64(32)
        return words_of(hashes * np.uint64(10**self.width) >> np.uint64(32), self.width, Alphabet.DIGITS)

    def in_case(self, is_lower: bool) -> ByteSource:
        del is_lower
        return self


@dataclass(frozen=True, slots=True)
class UniqueCode:
    """A code that no other record of the run has, over all pods, until all `width` characters can say are used up."""

    scatter: Scatter | DecimalScatter
    width: int
    is_lower: bool = False

    def numbers(self, rows: PieceRows) -> NDArray[np.uint64]:
        """The number of each record, of which the code's characters are the digits."""
        pods, pod = np.uint64(rows.space.pod_count), np.uint64(rows.space.pod_index)
        numbers = rows.numbers * pods + pod
        size = np.uint64(self.scatter.size)
        numbers -= numbers // size * size
        return self.scatter(numbers)

    def parts(self, rows: PieceRows) -> list[MarkWords]:
        alphabet = Alphabet.DIGITS if isinstance(self.scatter, DecimalScatter) else Alphabet.BASE_32
        parts = words_of(self.numbers(rows), self.width, alphabet)
        return [(at, words | _lower_case_bits(words.dtype)) for at, words in parts] if self.is_lower else parts

    def in_case(self, is_lower: bool) -> ByteSource:
        return UniqueCode(self.scatter, self.width, is_lower)


def unique_code(seed: int, index: int, width: int, *, digits: bool) -> UniqueCode:
    """The source of the run's unique field with this index; the same in every pod."""
    keys = Words(seed, _UNIQUE_STREAM, index)
    if digits:
        return UniqueCode(DecimalScatter(width, tuple(keys.raw(DecimalScatter.ROUNDS).tolist())), width)
    return UniqueCode(Scatter(5 * width, int(keys.raw(1)[0])), width)


def _lower_case_bits(dtype: np.dtype[np.unsignedinteger]) -> np.unsignedinteger:
    """What makes capitals small in a word of this type; digits stay as they are."""
    return dtype.type(int.from_bytes(b"\x20" * dtype.itemsize, "little"))


CLIENT_CODE: Final = _ClientCode()
EMAIL_CODE: Final = _EmailCode()
HOUSE: Final = _House()
