"""Deflating a slice at a time, and the archives that it goes into."""

import asyncio
import io
import random
import zipfile
import zlib
from collections.abc import Iterator

import pytest

from loadgen.formats.archive import Member, pack
from loadgen.formats.deflate import DeflatedStream, deflate
from loadgen.records import FilePart

MEGABYTE = 1_000_000


def noise(size_bytes: int) -> bytes:
    return random.Random(1).randbytes(size_bytes)


@pytest.mark.parametrize("parts", [[], [b""], [b"abc", b"", b"def"], [noise(MEGABYTE), b"x" * MEGABYTE]])
async def test_what_is_deflated_inflates_to_all_parts_in_their_order(parts: list[bytes]) -> None:
    plain = b"".join(parts)

    deflated = await deflate(map(FilePart, parts))

    assert zlib.decompress(b"".join(deflated.pieces), wbits=-15) == plain
    assert deflated.crc32 == zlib.crc32(plain)
    assert deflated.plain_bytes == len(plain)
    assert deflated.size_bytes == sum(len(piece) for piece in deflated.pieces)


def packed_part(plain: bytes) -> FilePart:
    compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
    return FilePart(plain, memoryview(compressor.compress(plain) + compressor.flush(zlib.Z_FULL_FLUSH)))


@pytest.mark.parametrize(
    "order",
    ["packed alone", "packed first", "packed last", "packed between", "packed twice", "same text around packed"],
)
async def test_a_part_that_is_deflated_already_joins_the_stream(order: str) -> None:
    text = b"a text that the compressor would like to repeat " * 20
    plain, packed = FilePart(text), packed_part(text.upper())
    parts = {
        "packed alone": [packed],
        "packed first": [packed, plain],
        "packed last": [plain, packed],
        "packed between": [FilePart(b"begin"), packed, FilePart(b"end")],
        "packed twice": [packed, packed, plain],
        "same text around packed": [plain, packed, plain],
    }[order]

    deflated = await deflate(parts)

    whole = b"".join(part.plain for part in parts)
    assert zlib.decompress(b"".join(deflated.pieces), wbits=-15) == whole
    assert (deflated.crc32, deflated.plain_bytes) == (zlib.crc32(whole), len(whole))
    assert sum(piece is packed.packed for piece in deflated.pieces) == parts.count(packed)


async def test_other_tasks_run_for_every_quarter_of_a_megabyte() -> None:
    turns = 0
    parts_seen: list[int] = []

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def parts() -> Iterator[FilePart]:
        for _ in range(4):
            parts_seen.append(turns)
            yield FilePart(memoryview(bytes(MEGABYTE)))

    counting = asyncio.create_task(count_turns())
    await deflate(parts())
    counting.cancel()

    assert turns >= 15
    # And between a part's composing and the next one's.
    assert len(set(parts_seen)) == 4


async def test_little_is_deflated_without_giving_way() -> None:
    other = asyncio.create_task(asyncio.sleep(0))

    await deflate([FilePart(b"x" * 1000), FilePart(b"y" * 1000)])

    assert not other.done()


async def test_an_archive_holds_its_members_with_the_earliest_date() -> None:
    members = [
        Member("a.txt", await deflate([FilePart(b"first")])),
        Member("b/c.txt", await deflate([FilePart(noise(MEGABYTE))])),
    ]

    with zipfile.ZipFile(io.BytesIO(b"".join(pack(members)))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.txt", "b/c.txt"]
        assert archive.read("a.txt") == b"first"
        assert archive.read("b/c.txt") == noise(MEGABYTE)
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("plain_bytes", [2**32 - 1, 2**33])
def test_a_member_of_four_gigabytes_is_refused_by_its_name(plain_bytes: int) -> None:
    with pytest.raises(OverflowError, match=r"sheet\.xml .* fewer than 4 GiB"):
        pack([Member("sheet.xml", DeflatedStream((b"",), 0, plain_bytes))])
