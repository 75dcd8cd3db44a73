"""ZIP archives (APPNOTE.TXT 6.3) of deflated members, without their dates."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loadgen.formats.deflate import DeflatedStream

_VERSION: Final = 20
_DEFLATED: Final = 8
_TIME, _DATE = 0, 1 << 5 | 1
"""The first of January 1980, the earliest that can be said; so the same records make the same bytes."""

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_TOO_LARGE: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Member:
    """A file within an archive; its name is ASCII."""

    name: str
    content: DeflatedStream

    @property
    def local_header(self) -> bytes:
        """What precedes the content. Raises OverflowError from 4 GiB on, which takes an archive of another kind."""
        return _LOCAL.pack(b"PK\x03\x04", _VERSION, *self._common_fields, len(self.name), 0) + self.name.encode("ascii")

    @property
    def size_bytes(self) -> int:
        return _LOCAL.size + len(self.name) + self.content.size_bytes

    def central_header(self, offset_bytes: int) -> bytes:
        """The member's entry in the archive's directory."""
        directory_fields = (len(self.name), 0, 0, 0, 0, 0, offset_bytes)
        return _CENTRAL.pack(
            b"PK\x01\x02", _VERSION, _VERSION, *self._common_fields, *directory_fields
        ) + self.name.encode("ascii")

    @property
    def _common_fields(self) -> tuple[int, ...]:
        content = self.content
        if content.plain_bytes >= _TOO_LARGE:
            raise OverflowError(f"{self.name} has {content.plain_bytes} bytes; there is room for fewer than 4 GiB")
        return 0, _DEFLATED, _TIME, _DATE, content.crc32, content.size_bytes, content.plain_bytes


def pack(members: Sequence[Member]) -> tuple[bytes | memoryview, ...]:
    """The archive's bytes in pieces."""
    pieces: list[bytes | memoryview] = []
    directory = b""
    offset_bytes = 0
    for member in members:
        pieces += member.local_header, *member.content.pieces
        directory += member.central_header(offset_bytes)
        offset_bytes += member.size_bytes
    end = _END.pack(b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), offset_bytes, 0)
    return *pieces, directory + end
