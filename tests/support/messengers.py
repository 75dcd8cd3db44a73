"""Messengers with clocks and files of a test's own."""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from loadtest_operator.messages.messenger import Messenger, MessengerDependencies
from loadtest_operator.messages.webhooks import WebhookFile


def a_messenger(path: str = "", **fields: Any) -> Messenger:
    """A messenger with the webhooks in a file; without a path it has none."""
    dependencies = MessengerDependencies(
        file=WebhookFile(path),
        link="",
        clock=time.monotonic,
        now=lambda: datetime.now(UTC),
        random=lambda: 0.0,
        fence=lambda: None,
        count=lambda _state: None,
    )
    return Messenger(replace(dependencies, **fields))
