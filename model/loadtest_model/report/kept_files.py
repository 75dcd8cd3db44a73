"""The files of a run, out of the ConfigMap in which the operator keeps them."""

import base64
import zlib
from typing import Any, Final

LARGEST_FILE_BYTES: Final = 64 * 1024 * 1024
"""What a compressed file may come to: a small one can be made to come to anything."""
_COMPRESSED: Final = ".gz"
_GZIP_WINDOW: Final = 31


class UnpackableError(ValueError):
    """A file is not what its name says, or comes to too much; the message names it."""


def files_of(config_map: dict[str, Any]) -> dict[str, bytes]:
    """The files in a ConfigMap of results by their names, decompressed, in order. Raises UnpackableError."""
    contents = {key: text.encode() for key, text in (config_map.get("data") or {}).items()}
    contents |= {key: base64.b64decode(text) for key, text in (config_map.get("binaryData") or {}).items()}
    return {
        key.removesuffix(_COMPRESSED): unpack(key, content) if key.endswith(_COMPRESSED) else content
        for key, content in sorted(contents.items())
    }


def unpack(name: str, content: bytes, largest_bytes: int = LARGEST_FILE_BYTES) -> bytes:
    """A compressed file as it was. Raises UnpackableError."""
    decompressor = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        unpacked = decompressor.decompress(content, largest_bytes)
    except zlib.error as error:
        raise UnpackableError(f"{name} cannot be unpacked: {error}") from error
    if not decompressor.eof:
        raise UnpackableError(f"{name} is cut off, or comes to more than {largest_bytes:,} bytes")
    return unpacked
