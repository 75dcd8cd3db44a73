"""What a file format is to the engine and to the composer."""

from collections.abc import Iterator
from typing import Protocol

from loadgen.records import Batch, Rendering


class FileBody(Protocol):
    """A file that is ready to be sent."""

    @property
    def content_length(self) -> int:
        """The file's length in bytes."""
        ...

    def chunks(self) -> Iterator[bytes | memoryview]:
        """The file's bytes; nobody writes to a chunk's memory afterwards, and every call gives the same."""
        ...


class FileFormat(Protocol):
    """A kind of file that batches are uploaded as."""

    @property
    def name(self) -> str:
        """The name that a test's spec calls it by."""
        ...

    @property
    def content_type(self) -> str:
        """The media type of the file part."""
        ...

    @property
    def rendering(self) -> Rendering:
        """How rows look before the file is packed; a Composer made with it serves this format."""
        ...

    async def encode(self, batch: Batch) -> FileBody:
        """The batch as a file of this format.

        A format whose length is known only when the file is packed packs it here, giving way to other tasks
        at least every few milliseconds.
        """
        ...
