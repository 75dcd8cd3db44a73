"""The content encodings of an answer (RFC 9110, section 8.4): which are asked for, and how they are undone."""

import zlib
from collections.abc import Callable, Mapping
from typing import Final

ACCEPT_ENCODING: Final = "gzip, deflate"
"""What every request asks for. A server may answer with another encoding all the same."""

_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_BITS: Final = -15
"""How zlib is told of a format."""


class UnreadableBodyError(ValueError):
    """A body cannot be decoded; the message says why."""


def encodings_in(headers: Mapping[str, str]) -> str:
    """The encodings that an answer's headers name, in the order in which they were applied, in one text."""
    if "Content-Encoding" not in headers:
        return ""
    names = headers.getall("Content-Encoding", []) if hasattr(headers, "getall") else ()
    return ", ".join(names) or headers.get("Content-Encoding", "")


def decode_body(content: bytes, encodings: str, limit_bytes: int) -> bytes:
    """A body without its content encodings.

    Raises UnreadableBodyError if an encoding is unknown, or the body is broken or longer than the limit.
    """
    if not content or not encodings:
        return content
    names = [name for part in encodings.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    for name in reversed(names):
        decoder = _DECODERS.get(name)
        if decoder is None:
            shown = "".join(character if character.isprintable() else " " for character in name[:40])
            raise UnreadableBodyError(f"the body is encoded as {shown}, which is not read here")
        try:
            content = decoder(content, limit_bytes)
        except zlib.error as error:
            raise UnreadableBodyError(f"the body is said to be encoded as {name}, but cannot be decoded") from error
    return content


def _ungzip(content: bytes, limit_bytes: int) -> bytes:
    """One member or several, one after the other (RFC 1952, section 2.2)."""
    pieces = bytearray()
    while content:
        unpacking = zlib.decompressobj(_GZIP_BITS)
        pieces += _unpack(unpacking, content, limit_bytes - len(pieces))
        content = unpacking.unused_data.lstrip(b"\0")
    return bytes(pieces)


def _inflate(content: bytes, limit_bytes: int) -> bytes:
    """With zlib's frame, as the standard says, or without it, as many servers send it."""
    try:
        return _unpack(zlib.decompressobj(_ZLIB_BITS), content, limit_bytes)
    except zlib.error:
        return _unpack(zlib.decompressobj(_RAW_BITS), content, limit_bytes)


def _unpack(unpacking: "zlib._Decompress", content: bytes, limit_bytes: int) -> bytes:
    unpacked = unpacking.decompress(content, limit_bytes + 1)
    if len(unpacked) > limit_bytes:
        raise UnreadableBodyError("the body is longer than what is read of an answer, once decoded")
    if not unpacking.eof:
        raise zlib.error("the body ends too early")
    return unpacked


_DECODERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _ungzip,
    "x-gzip": _ungzip,
    "deflate": _inflate,
}
