"""XLSX files: one sheet, deflated before it is sent."""

import asyncio
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from loadgen.formats.archive import Member, pack
from loadgen.formats.deflate import DeflatedStream, deflate
from loadgen.formats.sheet import SheetRendering
from loadgen.formats.workbook import SHEET_PART, fixed_parts
from loadgen.records import CLIENT_COLUMNS, Batch, Column, FilePart
from loadtest_model.plan.records import STANDARD_DIALECT, DialectPlan
from loadtest_model.spec.target import Format


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file that is held whole, in pieces."""

    pieces: tuple[bytes | memoryview, ...]

    @property
    def content_length(self) -> int:
        return sum(map(len, self.pieces))

    def chunks(self) -> Iterator[bytes | memoryview]:
        return iter(self.pieces)


class XlsxFormat:
    """An Office Open XML workbook with one sheet."""

    name: Final = Format.XLSX
    content_type: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    def __init__(self, columns: Sequence[Column] = CLIENT_COLUMNS, dialect: DialectPlan = STANDARD_DIALECT) -> None:
        self.rendering = SheetRendering(columns, dialect)
        parts = fixed_parts(self.rendering.date_formats)
        self._fixed_members = tuple(Member(name, _deflate_at_once(text.encode())) for name, text in parts)
        # Ten that take turns slice by slice would finish together, hold up the rest ten times as long, and hold a
        # composed chunk each.
        self._turn = asyncio.Lock()

    async def encode(self, batch: Batch) -> PackedFile:
        """The batch as a file, in memory: a fifth of its sheet, which is composed while it is deflated.

        One batch after the other is encoded, in the order of the calls. Raises OverflowError for a sheet of
        4 GiB or more.
        """
        async with self._turn:
            sheet = await deflate(chain((FilePart(self.rendering.prologue(batch.rows)),), batch.parts()))
        return PackedFile(pack((*self._fixed_members, Member(SHEET_PART, sheet))))


def _deflate_at_once(content: bytes) -> DeflatedStream:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return DeflatedStream((stream.compress(content) + stream.flush(),), zlib.crc32(content), len(content))
