"""A login's token: obtained before the verification, renewed before it expires and after it was refused."""

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape
from math import inf
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus, urlencode

import msgspec

from loadgen import log
from loadgen.answers.json_answers import parse_json, value_at
from loadgen.answers.judging import printable_text
from loadgen.answers.page_text import readable_text
from loadgen.auth.secret_texts import TokenUnreadableError
from loadgen.auth.tokens import expiry_of, issue_of, parse_token, without_secret
from loadgen.http.address_rules import AddressRules
from loadgen.http.fetching import FetchedAnswer, FetchError, HttpsSettings, fetch, fetch_in_first_seconds
from loadgen.http.target_clock import TargetClock
from loadtest_model.plan import LoginPlan, SecretPlace
from loadtest_model.spec.auth import LoginFormat

LOGIN_TIMEOUT_SECONDS: Final = 30.0
_MOST_SECONDS: Final = 1e300
"""JSON may give numbers that no instant can be counted by."""

PAUSE_SECONDS: Final = 5.0
"""After a login that failed, or gave a token that was refused, before the next; nobody is flooded with logins."""

_MARGIN_SECONDS: Final = 60.0
_MARGIN_SHARE: Final = 0.2
_LAST_MOMENT_SECONDS: Final = 1.0
_LEAST_USE_SECONDS: Final = 1.0


class LoginFailedError(TokenUnreadableError):
    """A login gave no token; the message says what was answered and quotes neither password nor token."""


@dataclass(frozen=True, slots=True)
class GrantedToken:
    """A token and when it was given and expires, in seconds since the epoch; None if nothing says so."""

    token: str
    granted_at: float
    expires_at: float | None

    @property
    def renew_at(self) -> float | None:
        """When another one should be asked for: while uploads with this one are still accepted.

        Nobody gives a token that is over. One that seems to be shows that a clock is wrong, and only the target can
        tell when it ends.
        """
        if self.expires_at is None or self.expires_at <= self.granted_at:
            return None
        lifetime_seconds = self.expires_at - self.granted_at
        return self.expires_at - min(_MARGIN_SECONDS, _MARGIN_SHARE * lifetime_seconds)


class LoginToken:
    """The token of a login, one login at a time.

    `now` is the target's clock in seconds since the epoch, and may jump when an answer tells what it shows. `steady`
    spaces logins; it is a clock that does not jump, and `now` if it is not given.
    """

    def __init__(
        self,
        log_in: Callable[[], Awaitable[GrantedToken]],
        scheme: str,
        now: Callable[[], float],
        steady: Callable[[], float] | None = None,
    ) -> None:
        self._steady = steady or now
        self._granted_at = float("-inf")
        self._log_in = log_in
        self._scheme = scheme
        self._now = now
        self._token: GrantedToken | None = None
        self._was_refused = False
        self._failed_at = float("-inf")
        self._turn = asyncio.Lock()

    @property
    def expires_at(self) -> float | None:
        return self._token.expires_at if self._token is not None else None

    async def authorization(self) -> str:
        """A login that fails leaves the token that the last one gave."""
        if not self._is_valid():
            async with self._turn:
                # Whoever was waiting finds what the one before brought.
                if not self._is_valid():
                    await self._renew()
        return self._header()

    async def final_expiry(self) -> float | None:
        await self.authorization()
        return None

    def note_refusal(self, authorization: str) -> None:
        """Log in again, unless that is what was just done: half a short lifetime ago is not."""
        token = self._token
        if token is not None and authorization == self._header():
            lifetime_seconds = inf if token.expires_at is None else token.expires_at - token.granted_at
            pause_seconds = min(PAUSE_SECONDS, max(_LEAST_USE_SECONDS, lifetime_seconds / 2))
            self._was_refused = self._steady() >= self._granted_at + pause_seconds

    async def keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._pause_seconds())
            if self._is_due():
                async with self._turn:
                    if self._is_due():
                        await self._renew()

    def _header(self) -> str:
        if self._token is None:
            raise LoginFailedError("the login has given no token")
        return f"{self._scheme} {self._token.token}"

    def _is_valid(self) -> bool:
        token = self._token
        if token is None or self._was_refused:
            return False
        if token.expires_at is None or token.renew_at is None:
            return True
        if self._steady() < self._granted_at + _LEAST_USE_SECONDS:
            return True
        return self._now() < token.expires_at - _LAST_MOMENT_SECONDS

    def _is_due(self) -> bool:
        renew_at = self._token.renew_at if self._token is not None else None
        return renew_at is not None and self._now() >= renew_at

    def _pause_seconds(self) -> float:
        renew_at = self._token.renew_at if self._token is not None else None
        return PAUSE_SECONDS if renew_at is None else min(PAUSE_SECONDS, max(0.1, renew_at - self._now()))

    async def _renew(self) -> None:
        if self._token is not None and self._steady() < self._failed_at + PAUSE_SECONDS:
            return
        try:
            self._token = await self._log_in()
        except LoginFailedError as error:
            self._failed_at = self._steady()
            if self._token is None:
                raise
            log.warn("the login failed; the last token is used", reason=str(error))
        else:
            self._granted_at = self._steady()
            self._was_refused = False


async def log_in(
    plan: LoginPlan,
    rules: AddressRules,
    tls: ssl.SSLContext | None,
    environment: Mapping[str, str],
    clock: TargetClock,
    *,
    is_first: bool = False,
) -> GrantedToken:
    """Post name and password and take the token from the answer. Raises LoginFailedError.

    With `is_first` a connection that is refused or not answered, and a name that is not resolved for now, are tried
    again for the first seconds.
    """
    username = secret_at(plan.username, environment, "user's name")
    password = secret_at(plan.password, environment, "password")
    fields = {plan.username_field: username, plan.password_field: password}
    if plan.format == LoginFormat.JSON:
        body, content_type = msgspec.json.encode(fields), "application/json"
    else:
        body, content_type = urlencode(fields).encode(), "application/x-www-form-urlencoded"
    headers = {"Content-Type": content_type, "Accept": "application/json"}
    began_at = time.monotonic()
    https = HttpsSettings(tls) if tls is not None else None

    def post() -> Awaitable[FetchedAnswer]:
        return fetch(plan.url, rules, headers=headers, timeout_seconds=LOGIN_TIMEOUT_SECONDS, body=body, tls=https)

    try:
        answer = await (fetch_in_first_seconds(post) if is_first else post())
    except FetchError as error:
        raise LoginFailedError(f"the login at {plan.url} failed: {error}") from error
    if not 200 <= answer.status < 300:
        location = answer.headers.get("Location")
        answer_text = f"to {printable_text(location)}" if location else printable_text(readable_text(answer.body))
        safe_text = _without_password(answer_text, password)
        raise LoginFailedError(f"the login at {plan.url} was answered {answer.status}: {safe_text}")
    clock.observe(answer.headers, of_target=False)
    return _token_in_answer(plan, answer.body, clock.now() - (time.monotonic() - began_at), is_timed=clock.is_known)


def _without_password(text: str, password: str) -> str:
    """Hidden as it is, and as JSON, a page and a form would write it."""
    for encoded_password in {
        password,
        json.dumps(password)[1:-1],
        escape(password),
        quote_plus(password),
        quote(password),
    }:
        text = without_secret(text, encoded_password)
    return text


def secret_at(place: SecretPlace, environment: Mapping[str, str], secret_name: str) -> str:
    """What a file or a variable holds, without its line end. Raises LoginFailedError."""
    if place.file is None:
        text = environment.get(place.variable or "", "")
        if not text:
            raise LoginFailedError(f"the environment variable {place.variable}, with the {secret_name}, is not set")
        return text
    try:
        text = Path(place.file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise LoginFailedError(f"no {secret_name} in {place.file}: {reason}") from error
    if not text:
        raise LoginFailedError(f"no {secret_name} in {place.file}: it is empty")
    return text


def _token_in_answer(plan: LoginPlan, body: bytes, requested_at: float, *, is_timed: bool) -> GrantedToken:
    """The token in an answer; `requested_at` is by the target's clock if that `is_timed`, else by this machine's."""
    description = f"the login at {plan.url} was answered"
    try:
        document = parse_json(body)
    except ValueError as error:
        raise LoginFailedError(f"{description} with what is no JSON") from error
    token_text = value_at(document, plan.token_path)
    if not isinstance(token_text, str):
        # Names only: what stands under another one may be the token.
        member_names = ", ".join(map(printable_text, document)) if isinstance(document, dict) else "no object"
        raise LoginFailedError(f"{description} without a token at {plan.token_path} (there is: {member_names})")
    try:
        token = parse_token(token_text)
    except ValueError as error:
        raise LoginFailedError(
            f"{description} with a token at {plan.token_path} that no header can carry: {error}"
        ) from error
    expires_at, issued_at = expiry_of(token), issue_of(token)
    if expires_at is not None and issued_at is not None:
        # Both instants are on one clock, whatever that shows, and the token is no older than its request.
        by_lifetime = requested_at + expires_at - issued_at
        expires_at = min(expires_at, by_lifetime) if is_timed else by_lifetime
    if plan.expires_in_path is not None:
        seconds = value_at(document, plan.expires_in_path)
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not is_number or not abs(seconds) < _MOST_SECONDS:
            raise LoginFailedError(f"{description} without a number of seconds at {plan.expires_in_path}")
        expires_at = requested_at + seconds
    return GrantedToken(token, requested_at, expires_at)
