"""The webhooks of an installation, from a file: their addresses are secrets, and the file is a Secret's.

No text about the file shows an address or a header's value.
"""

import logging
import re
import ssl
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from yaml import YAMLError, safe_load

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.afterwards import LONGEST_WEBHOOK_NAME, MOST_WEBHOOKS
from loadtest_model.spec.parts import HEADER_NAME_PATTERN, HeaderValue
from loadtest_model.urls import FORBIDDEN_CHARACTERS, has_valid_port, is_url
from loadtest_model.values import Value
from loadtest_operator.messages.forms import MessageFormat
from loadtest_operator.policy.webhook_rules import WebhookRule

_LOG: Final = logging.getLogger(__name__)
# The one text of a validation that quotes what stands there.
_INVALID_VALUE: Final = re.compile(r"Invalid enum value .*?(?= - at|\Z)", re.DOTALL)
_NAMESPACE_PATTERN: Final = r"^[a-z0-9*?\[\]!-]{1,253}\Z"


class WebhooksError(ValueError):
    """A file of webhooks that cannot be used; the message names the place and shows no secret."""


class Webhook(Value, frozen=True, kw_only=True):
    """One receiver: which ends of runs it hears of, in which form, and where it is.

    `certificate_authorities` are those that its certificate is checked by, in place of the system's, as PEM.
    """

    name: Annotated[str, Meta(pattern=rf"^[A-Za-z0-9][A-Za-z0-9_.-]{{0,{LONGEST_WEBHOOK_NAME - 1}}}\Z")]
    url: Annotated[str, Meta(min_length=1, max_length=4096)]
    format: MessageFormat
    verdicts: tuple[Verdict, ...] = ()
    namespaces: tuple[Annotated[str, Meta(pattern=_NAMESPACE_PATTERN)], ...] = ()
    headers: dict[Annotated[str, Meta(pattern=HEADER_NAME_PATTERN)], HeaderValue] = {}
    certificate_authorities: str = ""

    @property
    def rule(self) -> WebhookRule:
        """What of it may be shown and decided by."""
        return WebhookRule(self.name, tuple(map(str, self.verdicts)), self.namespaces)


class _Document(Value, frozen=True, kw_only=True):
    webhooks: Annotated[tuple[Webhook, ...], Meta(max_length=MOST_WEBHOOKS)]


def read_webhooks(text: str) -> tuple[Webhook, ...]:
    """The webhooks in a file.

    Raises WebhooksError.
    """
    try:
        document = msgspec.convert(safe_load(text), _Document)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}" if mark is not None else ""
        raise WebhooksError(f"it is not YAML{place}") from None
    except msgspec.ValidationError as error:
        raise WebhooksError(_INVALID_VALUE.sub("an unknown value", str(error))) from None
    for number, webhook in enumerate(document.webhooks):
        _check(webhook, f"$.webhooks[{number}]")
    names = [webhook.name for webhook in document.webhooks]
    if len(set(names)) < len(names):
        raise WebhooksError("two webhooks have the same name")
    return document.webhooks


def _check(webhook: Webhook, place: str) -> None:
    url = webhook.url
    if not is_url(url) or not has_valid_port(url) or any(character in url for character in FORBIDDEN_CHARACTERS):
        raise WebhooksError(f"the url at {place} must be an http or https URL without credentials, fragment and spaces")
    if webhook.certificate_authorities:
        try:
            tls_context(webhook)
        except ssl.SSLError:
            raise WebhooksError(f"certificateAuthorities at {place} are no certificates as PEM") from None


def tls_context(webhook: Webhook) -> ssl.SSLContext:
    """What a webhook's certificate is checked by."""
    return ssl.create_default_context(cadata=webhook.certificate_authorities or None)


class WebhookFile:
    """The file of webhooks, read again when it changes. Without a path there are none."""

    def __init__(self, path: str) -> None:
        self._path = Path(path) if path else None
        self._text = ""
        self._complaint = ""
        self._webhooks: tuple[Webhook, ...] = ()

    def load(self) -> None:
        """Read the file.

        Raises WebhooksError.
        """
        if self._path is None:
            return
        try:
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise WebhooksError(f"it cannot be read: {type(error).__name__}") from None
        if text != self._text:
            self._webhooks = read_webhooks(text)
            self._text = text

    def current(self) -> tuple[Webhook, ...]:
        """The webhooks as the file has them now. Those known before hold as long as the file cannot be used.

        Each new reason for that is logged once.
        """
        complaint = ""
        try:
            self.load()
        except WebhooksError as error:
            complaint = str(error)
        if complaint and complaint != self._complaint:
            _LOG.warning("the file of webhooks cannot be used, so the webhooks known before hold: %s", complaint)
        self._complaint = complaint
        return self._webhooks
