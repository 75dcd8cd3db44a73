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
        if "{n}" not in self.file_name:
            return self._common_head
        return self._head(self.file_name.replace("{n}", str(number)))

    @cached_property
    def tail(self) -> bytes:
        """All that follows the file's bytes."""
        return f"\r\n--{self.boundary}--\r\n".encode()

    @cached_property
    def _common_head(self) -> bytes:
        return self._head(self.file_name)

    def _head(self, file_name: str) -> bytes:
        before, after = self._around_name
        return f"{before}{_percent_encode(file_name)}{after}".encode()

    @cached_property
    def _around_name(self) -> tuple[str, str]:
        texts = "".join(
            f'--{self.boundary}\r\nContent-Disposition: form-data; name="{_percent_encode(name)}"\r\n\r\n{value}\r\n'
            for name, value in self.fields.items()
        )
        disposition = f'Content-Disposition: form-data; name="{_percent_encode(self.file_field)}"; filename="'
        return f"{texts}--{self.boundary}\r\n{disposition}", f'"\r\nContent-Type: {self.file_type}\r\n\r\n'


def _percent_encode(text: str) -> str:
    """A name as HTML forms write it: the three characters that would end it are percent-encoded."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
