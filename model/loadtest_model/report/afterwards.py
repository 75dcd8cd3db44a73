"""What a status says of the time after the end: when the test goes, and what became of the messages about it."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.values import WireValue

MOST_WEBHOOKS: Final = 16
LONGEST_WEBHOOK_NAME: Final = 63
LONGEST_DETAIL: Final = 128


class MessageState(StrEnum):
    """How the attempts to send a message stand. PENDING is one that is still tried."""

    PENDING = "Pending"
    SENT = "Sent"
    FAILED = "Failed"


class StatusMessage(WireValue, frozen=True, kw_only=True):
    """A message about the end of the run, to one webhook of the installation."""

    webhook: Annotated[str, Meta(max_length=LONGEST_WEBHOOK_NAME, description="Its name in the installation.")]
    state: MessageState
    at: Annotated[str, Meta(description="When it was sent or given up, or when the run ended if neither has happened.")]
    detail: Annotated[str, Meta(max_length=LONGEST_DETAIL, description="Why it was not sent.")] = ""


class StatusArchive(WireValue, frozen=True, kw_only=True):
    """What became of the files of the run: where they are, or why the last attempt to archive them failed."""

    under: Annotated[str, Meta(max_length=512, description="Where they are, below the installation's archive.")] = ""
    failure: Annotated[str, Meta(max_length=LONGEST_DETAIL, description="It is tried again.")] = ""


class Afterwards(WireValue, frozen=True, kw_only=True):
    """The part of a status that still changes once the test has completed."""

    expires_at: str | None = None
    messages: Annotated[tuple[StatusMessage, ...], Meta(max_length=MOST_WEBHOOKS)] = ()
    archive: StatusArchive | None = None
