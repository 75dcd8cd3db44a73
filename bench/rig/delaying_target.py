"""`delaying_target.py ROWS`: an upload target that answers after known delays, and keeps an exact record of them.

Of a hundred uploads ninety are answered after 0.1 s, eight after 0.3 s and two after 0.6 s. The target stalls once,
five seconds after its first upload. For two seconds it answers nothing, and what came due is answered at the end.
GET gives the record, as [received, answered] in nanoseconds for each upload, and begins a new one. The port is printed
once it listens.
"""

import asyncio
import json
import re
import sys
import time
from typing import Final, cast

import uvloop

_STALL_AFTER_SECONDS: Final = 5.0
_STALL_SECONDS: Final = 2.0
_LENGTH: Final = re.compile(rb"(?i)content-length: *(\d+)")
_SHUFFLE: Final = 37  # Coprime to 100, so that long delays do not come in a row.


def delay_seconds(number: int) -> float:
    place = number * _SHUFFLE % 100
    return 0.1 if place < 90 else 0.3 if place < 98 else 0.6


class Record:
    """The uploads since the record began."""

    def __init__(self) -> None:
        self.times: list[tuple[int, int]] = []
        self.received = 0
        self.first_at: float | None = None

    def answer_at(self, now: float) -> float:
        """When the upload that has just been received is to be answered, on the loop's clock."""
        if self.first_at is None:
            self.first_at = now
        self.received += 1
        due = now + delay_seconds(self.received)
        stall = self.first_at + _STALL_AFTER_SECONDS
        return stall + _STALL_SECONDS if stall <= due < stall + _STALL_SECONDS else due


class Target(asyncio.Protocol):
    """One connection: a request after the other, each with its length."""

    record = Record()
    rows = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank_line, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not blank_line or len(body) < (int(length[1]) if length else 0):
            return
        self._received = b""
        if head.startswith(b"GET"):
            self._answer(json.dumps(Target.record.times).encode())
            Target.record = Record()
            return
        loop = asyncio.get_running_loop()
        loop.call_at(Target.record.answer_at(loop.time()), self._answer_upload, Target.record, time.monotonic_ns())

    def _answer_upload(self, record: Record, received_ns: int) -> None:
        self._answer(b'{"success": true, "load_test_mode": true, "processed_count": %d}' % self.rows)
        record.times.append((received_ns, time.monotonic_ns()))

    def _answer(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        if not self._transport.is_closing():
            self._transport.write(head + body)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Target, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    Target.rows = int(sys.argv[1])
    uvloop.run(serve())
