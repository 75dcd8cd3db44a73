"""One attempt to send a message. Of the answer only the status is told, and of the address nothing."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from loadtest_operator.messages.ended_run import EndedRun
from loadtest_operator.messages.forms import content_type, message_of
from loadtest_operator.messages.webhooks import Webhook, tls_context

ATTEMPT_SECONDS: Final = 10.0
_PASSING_STATUSES: Final = frozenset({408, 425, 429})
_NO_ANSWER: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, "its name was not resolved"),
    (aiohttp.ClientConnectorCertificateError, "its certificate was not accepted"),
    (aiohttp.ClientSSLError, "TLS failed"),
    (aiohttp.ClientConnectorError, "the connection was not opened"),
    (Exception, "the connection broke"),
)


class AttemptResult(Enum):
    """What is known after an attempt."""

    SENT = auto()
    AGAIN = auto()
    REFUSED = auto()


@dataclass(frozen=True)
class Attempt:
    """How an attempt ended. `retry_after_seconds` is the pause that the receiver asks for."""

    result: AttemptResult
    detail: str = ""
    retry_after_seconds: float = 0.0


def attempt_of(status: int, retry_after: str | None, now: datetime) -> Attempt:
    """What an answer means."""
    if 200 <= status < 300:
        return Attempt(AttemptResult.SENT)
    if 300 <= status < 400:
        return Attempt(AttemptResult.REFUSED, f"it answered {status}, and redirects are not followed")
    if status >= 500 or status in _PASSING_STATUSES:
        return Attempt(AttemptResult.AGAIN, f"it answered {status}", retry_after_seconds(retry_after, now))
    return Attempt(AttemptResult.REFUSED, f"it answered {status}")


def retry_after_seconds(text: str | None, now: datetime) -> float:
    """The pause that a header `Retry-After` asks for, in either of its forms; 0 if it says nothing."""
    if text is None:
        return 0.0
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return 0.0


async def send_once(
    session: aiohttp.ClientSession, webhook: Webhook, run: EndedRun, link: str, now: Callable[[], datetime]
) -> Attempt:
    """Send the message about a run to a webhook. The answer's body is not read."""
    headers = {
        **webhook.headers,
        "Content-Type": content_type(webhook.format),
        "Idempotency-Key": run.key,
    }
    body = msgspec.json.encode(message_of(webhook.format, run, link))
    try:
        async with (
            asyncio.timeout(ATTEMPT_SECONDS),
            session.post(
                # Encoded as the installation wrote it: a signature may be part of it.
                URL(webhook.url, encoded=True),
                data=body,
                headers=headers,
                allow_redirects=False,
                ssl=tls_context(webhook) if webhook.url.lower().startswith("https:") else True,
            ) as answer,
        ):
            return attempt_of(answer.status, answer.headers.get("Retry-After"), now())
    except TimeoutError:
        return Attempt(AttemptResult.AGAIN, f"it did not answer within {ATTEMPT_SECONDS:.0f} s")
    except (aiohttp.ClientError, OSError) as error:
        # The text of an exception may have the address in it.
        return Attempt(AttemptResult.AGAIN, next(text for kind, text in _NO_ANSWER if isinstance(error, kind)))
