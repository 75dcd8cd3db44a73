"""A mail back end that leaves what it was given in a list."""

from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

sent: list[EmailMessage] = []


class Outbox(BaseEmailBackend):
    """Sends nothing."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        sent.extend(email_messages)
        return len(email_messages)
