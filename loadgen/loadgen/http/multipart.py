"""The bytes around the file in a multipart/form-data body (RFC 7578)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Form:
    """A form with text fields and, after them, one file. `{n}` in the file's name is the upload's number.

    `boundary` must not occur in the file.
    """

    boundary: str
    fields: Mapping[str, str]
    file_field: str
    file_name: str
    file_type: str

    @cached_property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    def head(self, number: int) -> bytes:
        """All that precedes the file's bytes in the upload with this number."""
        if len(self._head_pieces) == 1:
            return self._head_pieces[0]
        return str(number).encode().join(self._head_pieces)

    @cached_property
    def tail(self) -> bytes:
        """All that follows the file's bytes."""
        return f"\r\n--{self.boundary}--\r\n".encode()

    @cached_property
    def _head_pieces(self) -> tuple[bytes, ...]:
        """What stands before, between and after the numbers of uploads."""
        texts = "".join(
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{_percent_encode(name)}"\r\n\r\n{value}\r\n'
            for name, value in self.fields.items()
        )
        disposition = f'Content-Disposition: form-data; name="{_percent_encode(self.file_field)}"; filename="'
        pieces = _percent_encode(self.file_name).split("{n}")
        pieces[0] = f"{texts}--{self.boundary}\r\n{disposition}{pieces[0]}"
        pieces[-1] += f'"\r\nContent-Type: {self.file_type}\r\n\r\n'
        return tuple(piece.encode() for piece in pieces)


def _percent_encode(text: str) -> str:
    """A name as HTML forms write it: the three characters that would end it are percent-encoded."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
