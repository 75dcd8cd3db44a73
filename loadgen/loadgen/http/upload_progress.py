"""How far an upload has come, and when."""

import asyncio
from typing import NamedTuple, Protocol

from msgspec import Struct

from loadtest_model.values import NANOSECONDS


class PartNanoseconds(NamedTuple):
    """How long each part of an upload took, in nanoseconds; None if the upload never came to it.

    `database` is within `wait`: what the target says that it spent in its database.
    """

    connect: int | None = None
    upload: int | None = None
    wait: int | None = None
    database: int | None = None


class RowsOfFile(Protocol):
    """What can be said of a file's rows to somebody who has to find them in the target."""

    @property
    def first_client_id(self) -> str | None: ...

    @property
    def first_row_name(self) -> str: ...

    @property
    def look_up_key(self) -> str | None: ...


class UploadProgress(Struct, eq=False):
    """How far an upload has come; readable at any time, also after it was cut.

    `has_begun` is True as soon as a byte of the request may have left. `rows_of_file` names the rows of its file, and
    is None until there is one. The instants are monotonic seconds, None if the upload never came to them: those of
    connecting if a kept connection was used, `last_byte_at` if the answer came before the body was sent. `composing_at`
    is when its file began to be made, which may first wait for other files, and `ready_at` when it was complete and
    only the sending remained. `sending_at` is when the connection was ready to send, before the turn to send and the
    last check, so nothing may have been sent.
    `finished_at` is when the answer was complete, or the upload was given up. `own_seconds` is how much of its time our
    own side may have added after the file was complete: waiting for the turn to send, for the event loop, for the
    processor. `own_since` is since when that is so at present; None if the upload is with the target.
    `is_closed_by_target` says that the target closed the connection in order and without an answer, so it was not a
    reset. `database_seconds` is what the answer says of the target's database. `trace_id` is empty if it carries no
    `traceparent`.
    """

    has_begun: bool = False
    rows_of_file: RowsOfFile | None = None
    body_bytes_sent: int = 0
    reuses_connection: bool = False
    has_answer_begun: bool = False
    has_answer: bool = False
    is_closed_by_target: bool = False
    trace_id: str = ""
    composing_at: float | None = None
    ready_at: float | None = None
    connecting_at: float | None = None
    connected_at: float | None = None
    sending_at: float | None = None
    last_byte_at: float | None = None
    answer_at: float | None = None
    finished_at: float | None = None
    own_seconds: float = 0.0
    own_since: float | None = None
    database_seconds: float | None = None
    transport: asyncio.Transport | None = None

    @property
    def first_client_id(self) -> str | None:
        """The id in the first row of its file."""
        return None if self.rows_of_file is None else self.rows_of_file.first_client_id

    @property
    def first_row(self) -> str:
        """What the first row of its file is found by in the target."""
        return "" if self.rows_of_file is None else self.rows_of_file.first_row_name

    @property
    def look_up_key(self) -> str | None:
        """What a read-back looks for the first row of its file by."""
        return None if self.rows_of_file is None else self.rows_of_file.look_up_key

    @property
    def has_approached(self) -> bool:
        """Whether the upload has come to the target: a connection was tried, or a kept one used."""
        return self.has_begun or self.connecting_at is not None or self.sending_at is not None

    @property
    def connect_seconds(self) -> float:
        """What opening the connection took, TLS and tries elsewhere included; 0 if a kept one was used."""
        return _seconds_between(self.connecting_at, self.connected_at, self.finished_at)

    @property
    def upload_seconds(self) -> float:
        """From when the connection was ready to send to the last byte handed to the system, or to the end if none was.

        The wait for the turn to send is in it. It is 0 if no connection was ever ready.
        """
        return _seconds_between(self.sending_at, self.last_byte_at, self.finished_at)

    @property
    def wait_seconds(self) -> float:
        """From the last byte of the body to the end of the answer, or to the time-out; 0 if it was never sent."""
        return _seconds_between(self.last_byte_at, self.finished_at)

    def own_seconds_until(self, now: float) -> float:
        """How much of its time our own side may have added after the file was complete, by this instant."""
        return self.own_seconds + (0.0 if self.own_since is None else max(0.0, now - self.own_since))

    @property
    def parts(self) -> PartNanoseconds:
        return PartNanoseconds(
            None if self.connecting_at is None else round(self.connect_seconds * NANOSECONDS),
            None if self.sending_at is None else round(self.upload_seconds * NANOSECONDS),
            None if self.last_byte_at is None else round(self.wait_seconds * NANOSECONDS),
            None if self.database_seconds is None else round(self.database_seconds * NANOSECONDS),
        )

    @property
    def answer_seconds(self) -> float | None:
        """From the last byte of the body to the answer's head; 0 if it came earlier, None if none came."""
        return None if self.answer_at is None else _seconds_between(self.last_byte_at, self.answer_at)

    @property
    def is_body_read(self) -> bool:
        """Whether the target had taken the whole body when it closed the connection instead of an answer.

        A system resets a connection that is closed, by whomever, before all that came on it was read (RFC 2525, 2.17).
        """
        return self.is_closed_by_target and self.last_byte_at is not None

    def mark_nothing_sent(self) -> None:
        """Count the bytes that have left as not sent, because the target took none of them."""
        self.has_begun = False
        self.body_bytes_sent = 0

    def abort(self) -> None:
        """Drop the connection at once, with what is still buffered for it."""
        if self.transport is not None:
            self.transport.abort()


def _seconds_between(start: float | None, end: float | None, other_end: float | None = None) -> float:
    """Seconds from one instant to the first of the others that was reached; 0 if either is missing."""
    if end is None:
        end = other_end
    return max(0.0, end - start) if start is not None and end is not None else 0.0
