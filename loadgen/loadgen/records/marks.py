"""Marks: what stands in a rendered row where bytes are written anew, one character for each byte.

No text of ours holds these characters; no writer quotes or escapes them, nor the letters, digits and hyphens that
replace them.
"""

from dataclasses import dataclass
from typing import Final

from loadgen.records.sources import CLIENT_CODE, EMAIL_CODE, HOUSE, ByteSource

MARK_CHARACTERS: Final = "".join(map(chr, (*range(0x01, 0x09), *range(0x0E, 0x1C))))
"""22 characters: those below the space that are no white space to anybody."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A field's bytes that are written anew: where they stand, and what is written there.

    One that may be absent is not in every row.
    """

    character: str
    source: ByteSource
    may_be_absent: bool = False

    @property
    def mark(self) -> str:
        return self.character * self.source.width


CLIENT_MARK: Final = "\x01" * CLIENT_CODE.width
EMAIL_MARK: Final = "\x02" * EMAIL_CODE.width
PHONE_MARK: Final = "\x03" * 8
HOUSE_MARK: Final = "\x04" * HOUSE.width

FREE_CHARACTERS: Final = MARK_CHARACTERS[4:]
"""Those that no client column uses."""
