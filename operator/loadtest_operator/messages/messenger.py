"""Sends messages beside the turns, again and again until they are taken or it is too late.

A message is sent at least once: after a restart, one whose end is not in the status yet is sent again, under the same
key.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Self

import aiohttp

from loadtest_model.quantities import clip, span_text
from loadtest_model.report.afterwards import LONGEST_DETAIL, MessageState, StatusMessage
from loadtest_operator.facts.resources import rfc3339
from loadtest_operator.messages.ended_run import EndedRun, report_link
from loadtest_operator.messages.sending import AttemptResult, send_once
from loadtest_operator.messages.webhooks import Webhook, WebhookFile
from loadtest_operator.policy.backoff import backoff_seconds
from loadtest_operator.policy.webhook_rules import WebhookRule

_LOG: Final = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 300.0
_AT_ONCE: Final = 16
_KEPT_SECONDS: Final = 7_200.0
"""How long the end of a message is remembered: longer than a message is tried."""

MessageKey = tuple[str, str]
"""The key of the ended run, and the webhook's name."""


@dataclass(frozen=True, kw_only=True)
class MessengerDependencies:
    """What messages are sent with. `clock` is monotonic, `now` the wall clock in UTC, `random` gives numbers in [0, 1).

    `fence` is asked before each attempt whether this operator may still act. `count` hears the
    state of each message that was sent or given up. `link` is the template of a report's address.
    """

    file: WebhookFile
    link: str
    clock: Callable[[], float]
    now: Callable[[], datetime]
    random: Callable[[], float]
    fence: Callable[[], None]
    count: Callable[[str], None]


class Messenger:
    """Messages under way, and how those that are over ended.

    `on_end` hears of each that was sent or given up the test's namespace and name.
    """

    def __init__(self, dependencies: MessengerDependencies) -> None:
        self._dependencies = dependencies
        self.on_end: Callable[[tuple[str, str]], None] = lambda _key: None
        self._group = asyncio.TaskGroup()
        self._tasks: dict[MessageKey, asyncio.Task[None]] = {}
        self._ends: dict[MessageKey, tuple[float, StatusMessage]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks.values():
            task.cancel()
        try:
            await self._group.__aexit__(kind, error, trace)
        finally:
            if self._session is not None:
                await self._session.close()

    def rules(self) -> tuple[WebhookRule, ...]:
        """Who hears of what, as the installation says now."""
        return tuple(webhook.rule for webhook in self._dependencies.file.current())

    def ends(self, run_key: str) -> tuple[StatusMessage, ...]:
        """How the messages about a run ended, as far as is remembered."""
        return tuple(end for key, (_, end) in self._ends.items() if key[0] == run_key)

    def send(self, run: EndedRun, webhooks: tuple[str, ...], seconds: float) -> None:
        """Begin to send the message about a run to these webhooks, if that has not begun. It is tried for so long."""
        now = self._dependencies.clock()
        self._ends = {key: end for key, end in self._ends.items() if now - end[0] < _KEPT_SECONDS}
        for name in webhooks:
            key = (run.key, name)
            if key not in self._tasks and key not in self._ends:
                self._tasks[key] = self._group.create_task(self._deliver(key, run, now + seconds))

    async def _deliver(self, key: MessageKey, run: EndedRun, deadline: float) -> None:
        _, name = key
        try:
            failure = await self._try(name, run, deadline)
        except Exception as error:
            # A defect here must not end the operator.
            # An exception of the client may name the address.
            failure = f"it could not be sent: {type(error).__name__}"
        finally:
            del self._tasks[key]
        dependencies = self._dependencies
        state = MessageState.FAILED if failure else MessageState.SENT
        if failure:
            _LOG.warning("%s: run %s: webhook %s was not told of its end: %s", run.identity, run.run_id, name, failure)
        else:
            _LOG.info("%s: run %s: webhook %s was told of its end", run.identity, run.run_id, name)
        end = StatusMessage(
            webhook=name, state=state, at=rfc3339(dependencies.now()), detail=clip(failure, LONGEST_DETAIL)
        )
        self._ends[key] = (dependencies.clock(), end)
        dependencies.count(state)
        self.on_end((run.identity.namespace, run.identity.name))

    async def _try(self, name: str, run: EndedRun, deadline: float) -> str:
        """Send until it is taken; gives why it was not, empty if it was."""
        dependencies = self._dependencies
        link = report_link(dependencies.link, run)
        failures = 0
        while True:
            webhook = self._webhook(name)
            if webhook is None:
                return "the installation has no such webhook any more"
            async with self._slots:
                dependencies.fence()
                attempt = await send_once(self._client(), webhook, run, link, dependencies.now)
            if attempt.result is AttemptResult.SENT:
                return ""
            if attempt.result is AttemptResult.REFUSED:
                return attempt.detail
            pause = backoff_seconds(failures, dependencies.random(), FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS)
            wait = max(attempt.retry_after_seconds, pause)
            if dependencies.clock() + wait >= deadline:
                return f"{attempt.detail}, and it was too late to try again"
            pause_text = span_text(wait)
            _LOG.info(
                "%s: run %s: webhook %s: %s; again in %s", run.identity, run.run_id, name, attempt.detail, pause_text
            )
            await asyncio.sleep(wait)
            failures += 1

    def _webhook(self, name: str) -> Webhook | None:
        return next((each for each in self._dependencies.file.current() if each.name == name), None)

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Neither proxies nor credentials of the environment: where messages go is in the file alone.
            self._session = aiohttp.ClientSession(trust_env=False, headers={"User-Agent": "loadtest-operator"})
        return self._session
