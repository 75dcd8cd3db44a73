"""Reading what the target has stored: a count of its rows, or a look-up of this run's, beside a control."""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from msgspec import structs
from multidict import CIMultiDict
from yarl import URL

from loadgen.answers import signs
from loadgen.answers.json_answers import ABSENT, parse_json, value_at
from loadgen.answers.judging import HttpAnswer, printable_text
from loadgen.answers.request_facts import RequestFacts
from loadgen.auth.credentials import AUTHORIZATION, without_credentials
from loadgen.auth.secret_texts import TokenUnreadableError
from loadgen.auth.tokens import expiry_of
from loadgen.http.fetching import Fetch, FetchedAnswer, FetchError
from loadgen.http.first_seconds import Attempts
from loadgen.http.request_headers import USER_AGENT
from loadgen.http.tls import TlsUnusableError
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.proof import (
    ReadBackReport,
    ReadBackResult,
    Reading,
    ReadingMoment,
    read_back_conclusion,
)
from loadtest_model.plan import ReadBackPlan
from loadtest_model.spec.verification import LOOK_UP_PATTERN

RETRY_PAUSE_SECONDS: Final = 1.0
CUT_SHORT_SECONDS: Final = 3.0
"""The longest that a reading takes which the report of a refused or halted run waits for."""
AGREEMENT_SECONDS: Final = 1.0
"""How far apart two readings are that agree."""
_PASSING_STATUSES: Final = frozenset({408, 425, 429})
_TOKEN_STATUSES: Final = frozenset({401, 403})


class _ReadingFailedError(Exception):
    """A look that showed nothing. A lasting failure would come again at once. `may_pass` says that nothing was
    sent, and that the reason may pass in the first seconds.
    """

    def __init__(self, problem: str, *, is_lasting: bool, control_failed: bool = False, may_pass: bool = False) -> None:
        super().__init__(problem)
        self.may_pass = may_pass
        self.is_lasting = is_lasting
        self.control_failed = control_failed


class ReadBack:
    """Reads as a plan says, and keeps what was seen in `report`.

    `token_cause` says why the last answer did not take the token; it is None if nothing speaks of the token.
    `credentials` gives the target's secret headers. `id_column` is the
    file's column that rows are looked up by, and `id_prefix` what all of this run begin with there, if they do.
    """

    def __init__(
        self,
        plan: ReadBackPlan,
        fetch: Fetch,
        credentials: Callable[[], Awaitable[Mapping[str, str]]],
        *,
        id_column: str = "client_id",
        id_prefix: str = "",
    ) -> None:
        self._plan = plan
        self._fetch = fetch
        self._credentials = credentials
        self._sent_credentials: Mapping[str, str] = {}
        self.token_cause: Cause | None = None
        self.report = ReadBackReport(settle_seconds=plan.settle_seconds, id_column=id_column, id_prefix=id_prefix)

    async def read(self, moment: ReadingMoment, keys: Sequence[str], *, longest_seconds: float = math.inf) -> None:
        """Read once, all within the plan's time-out and `longest_seconds`; what fails is tried again within it.

        `keys` are the rows that a look-up looks for.
        """
        reading = await self._reading(moment, keys, min(self._plan.timeout_seconds, longest_seconds))
        self.report = structs.replace(self.report, readings=_with_reading(self.report.readings, reading))

    async def conclude(self, keys: Sequence[str]) -> None:
        """Read after the last answer, and once more when the target had time to settle."""
        await self.read(ReadingMoment.ENDED, keys)
        if read_back_conclusion(self.report).result is not ReadBackResult.STORED:
            await asyncio.sleep(self._plan.settle_seconds)
            await self.read(ReadingMoment.SETTLED, keys)

    async def read_after_cut(self, moment: ReadingMoment, keys: Sequence[str]) -> None:
        """Read after a refusal or a halt, so that the report says how many rows are stored.

        The target may still work on uploads whose connections were cut, and other pods may be about to halt. So it is
        read until two readings agree, or the time is over. The last one counts.
        """
        ends_at = time.monotonic() + CUT_SHORT_SECONDS
        await self.read(moment, keys, longest_seconds=CUT_SHORT_SECONDS)
        report = self.report
        while not report.readings[-1].problem and ends_at - time.monotonic() > AGREEMENT_SECONDS:
            await asyncio.sleep(AGREEMENT_SECONDS)
            later = await self._reading(moment, keys, min(self._plan.timeout_seconds, ends_at - time.monotonic()))
            if later.problem or later == report.readings[-1]:
                return
            report = self.report = structs.replace(report, readings=(*report.readings[:-1], later))

    async def _reading(self, moment: ReadingMoment, keys: Sequence[str], timeout_seconds: float) -> Reading:
        last_error: _ReadingFailedError | None = None
        attempts = Attempts()
        # This may be the first that the pod connects to.
        is_first = moment is ReadingMoment.BEFORE
        try:
            async with asyncio.timeout(timeout_seconds) as deadline:
                while True:
                    try:
                        return await self._read(moment, keys)
                    except _ReadingFailedError as error:
                        last_error = error
                        if error.is_lasting or (is_first and error.may_pass and attempts.are_over):
                            break
                        if is_first and error.may_pass:
                            now = asyncio.get_running_loop().time()
                            deadline.reschedule(now + RETRY_PAUSE_SECONDS + timeout_seconds)
                    await asyncio.sleep(RETRY_PAUSE_SECONDS)
                    attempts.count()
        except TimeoutError:
            if last_error is None:
                last_error = _ReadingFailedError(f"no answer within {timeout_seconds:g} s", is_lasting=False)
        problem = without_credentials(str(last_error), self._sent_credentials)
        if last_error.may_pass:
            problem = f"{problem} ({attempts})"
        return Reading(moment=moment, problem=problem, control_failed=last_error.control_failed)

    async def _read(self, moment: ReadingMoment, keys: Sequence[str]) -> Reading:
        plan = self._plan
        if plan.control_url is not None and await self._count(plan.control_url) == 0:
            raise _control_error(f"{plan.control_url} has a count of 0, but it must find what is known to exist")
        if plan.looks_up:
            control = plan.control_client_id
            if control is not None and not await self._exists(control):
                raise _control_error(
                    f"the row with {self.report.id_column} {control} is known to exist, but was not found"
                )
            found_keys = [key for key in keys if await self._exists(key)]
            return Reading(moment=moment, asked=len(keys), found=tuple(found_keys))
        rows = await self._count(plan.url)
        if plan.control_url is None and rows == 0:
            raise _control_error(
                f"{plan.url} has a count of 0, so nothing shows that it sees rows at all; store one row, or name what"
                " exists in spec.verification.readBack.control"
            )
        return Reading(moment=moment, rows=rows)

    async def _exists(self, key: str) -> bool:
        quoted_key = quote(key, safe="")
        url = re.sub(LOOK_UP_PATTERN, lambda _: quoted_key, self._plan.url)
        answer = await self._get(url)
        if answer.status == 404:
            if self._plan.control_client_id is None:
                # A wrong path is answered so too, and a control at another URL does not notice.
                raise _ReadingFailedError(
                    f"{url} answered 404, and no control shows that this means absent; name a row that exists in"
                    " spec.verification.readBack.control (clientId or value)",
                    is_lasting=True,
                )
            return False
        return self._plan.count_path is None or self._count_in(url, answer) > 0

    async def _count(self, url: str) -> int:
        answer = await self._get(url)
        if answer.status == 404:
            raise _ReadingFailedError(f"{url} answered 404", is_lasting=True)
        return self._count_in(url, answer)

    async def _get(self, url: str) -> FetchedAnswer:
        """A fresh answer that is 2xx or 404."""
        self.token_cause = None
        try:
            answer = await self._fetch(url, await self._headers(), self._plan.timeout_seconds)
        except FetchError as error:
            raise _ReadingFailedError(
                f"{url}: {error}", is_lasting=error.is_lasting, may_pass=error.may_pass
            ) from error
        except (TlsUnusableError, TokenUnreadableError) as error:
            raise _ReadingFailedError(f"{url}: {error}", is_lasting=False) from error
        status = answer.status
        if status in _TOKEN_STATUSES:
            self.token_cause = self._token_cause_of(url, answer)
        if not (200 <= status < 300 or status == 404):
            is_lasting = 300 <= status < 500 and status not in _PASSING_STATUSES
            raise _ReadingFailedError(f"{url} answered {status}: {printable_text(answer.body)}", is_lasting=is_lasting)
        if answer.headers.get("Age", "0").strip() != "0":
            raise _ReadingFailedError(f"{url} answered from a cache (Age: {answer.headers['Age']})", is_lasting=False)
        return answer

    async def _headers(self) -> CIMultiDict[str]:
        headers = CIMultiDict({"User-Agent": USER_AGENT, "Accept": "application/json", "Cache-Control": "no-cache"})
        headers.update(self._plan.headers)
        if self._plan.sends_token:
            self._sent_credentials = await self._credentials()
            headers.update(self._sent_credentials)
        return headers

    def _token_cause_of(self, url: str, answer: FetchedAnswer) -> Cause | None:
        if not self._plan.sends_token:
            return None
        scheme, _, token = self._sent_credentials.get(AUTHORIZATION, "").partition(" ")
        expires_at = expiry_of(token)
        facts = RequestFacts(
            url=URL(url),
            scheme=scheme or None,
            has_secret_headers=bool(self._sent_credentials.keys() - {AUTHORIZATION}),
            is_token_expired=expires_at is not None and expires_at <= time.time(),
            body_bytes=0,
            most_accepted_bytes=0,
        )
        return signs.token(signs.AnsweredUpload(HttpAnswer(answer.status, answer.headers, answer.body), facts))

    def _count_in(self, url: str, answer: FetchedAnswer) -> int:
        """The count at the plan's path: a whole number, or the length of a list."""
        path = self._plan.count_path or ""
        description = f"{url} answered {answer.status}: {printable_text(answer.body)}"
        try:
            value = value_at(parse_json(answer.body), path)
        except ValueError as error:
            raise _ReadingFailedError(f"{description} (not JSON)", is_lasting=True) from error
        if isinstance(value, list):
            return len(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            problem = "absent" if value is ABSENT else "neither a count nor a list"
            raise _ReadingFailedError(f"{description} ({path} is {problem})", is_lasting=True)
        return value


def _with_reading(readings: tuple[Reading, ...], reading: Reading) -> tuple[Reading, ...]:
    """The readings with a further one. Of one moment the last two are kept: each was compared with the one before."""
    same_moment = [each for each in readings if each.moment is reading.moment]
    outdated = same_moment[:-1] if reading not in same_moment else [reading]
    return (*(each for each in readings if each not in outdated), reading)


def _control_error(problem: str) -> _ReadingFailedError:
    return _ReadingFailedError(problem, is_lasting=True, control_failed=True)
