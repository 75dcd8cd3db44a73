"""Mails: neither a message nor a back end that a load test makes sends anything."""

from collections.abc import Sequence
from functools import wraps
from types import MethodType
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from loadtest_guard.active import ACTIVE
from loadtest_guard.effects.patching import hold_method


def watch_mail() -> None:
    """Hold back `EmailMessage.send`, and `send_messages` of each back end that is made inside the guard.

    A back end that was made before, and is given messages itself, is not held back.
    """
    hold_method(EmailMessage, "send", "mail", _send)
    original = BaseEmailBackend.__init__

    @wraps(original)
    def initialize(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if ACTIVE.get() is not None:
            self.send_messages = MethodType(_send_messages, self)

    BaseEmailBackend.__init__ = initialize


def _send(message: EmailMessage, *_: Any, **__: Any) -> int:
    return 1 if message.recipients() else 0


def _send_messages(_: BaseEmailBackend, messages: Sequence[EmailMessage]) -> int:
    guard = ACTIVE.get()
    for _message in messages:
        if guard is not None:
            guard.hold("mail")
    return len(messages)
