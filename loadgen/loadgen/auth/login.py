"""A token that a login gives: got before the verification, renewed before it expires and when it was refused."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus, urlencode

import msgspec

from loadgen import log
from loadgen.answers.json_answers import parsed, value_at
from loadgen.answers.judging import printable
from loadgen.answers.page_text import readable
from loadgen.auth.tokens import TokenUnreadableError, expiry_of, usable, without_secret
from loadgen.http.address_rules import AddressRules
from loadgen.http.fetching import FetchError, Secure, fetch
from loadtest_model.plan import LoginPlan, SecretPlace
from loadtest_model.spec.auth import LoginFormat

LOGIN_TIMEOUT_SECONDS: Final = 30.0
_ENDLESS_SECONDS: Final = 1e300
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
class Granted:
    """A token and when it was given and expires, in seconds since the epoch; None where nothing says so."""

    token: str
    granted_at: float
    expires_at: float | None

    @property
    def renew_at(self) -> float | None:
        """When another one should be asked for: while uploads with this one are still accepted."""
        if self.expires_at is None:
            return None
        lifetime_seconds = self.expires_at - self.granted_at
        return self.expires_at - min(_MARGIN_SECONDS, _MARGIN_SHARE * lifetime_seconds)


class LoginToken:
    """The token of a login, one login at a time. `now` is the wall clock in seconds since the epoch."""

    def __init__(self, log_in: Callable[[], Awaitable[Granted]], scheme: str, now: Callable[[], float]) -> None:
        self._log_in = log_in
        self._scheme = scheme
        self._now = now
        self._granted: Granted | None = None
        self._refused = False
        self._failed_at = float("-inf")
        self._turn = asyncio.Lock()

    @property
    def expires_at(self) -> float | None:
        return self._granted.expires_at if self._granted is not None else None

    async def authorization(self) -> str:
        """A login that fails leaves the token that the last one gave."""
        if not self._is_valid():
            async with self._turn:
                # Whoever was waiting finds what the one before brought.
                if not self._is_valid():
                    await self._renew()
        return self._header()

    async def lapses_at(self) -> float | None:
        await self.authorization()
        return None

    def refused(self, authorization: str) -> None:
        """Log in again, unless that is what was just done."""
        granted = self._granted
        if granted is not None and authorization == self._header():
            self._refused = self._now() >= granted.granted_at + PAUSE_SECONDS

    async def keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(self._pause_seconds())
            if self._is_due():
                async with self._turn:
                    if self._is_due():
                        await self._renew()

    def _header(self) -> str:
        if self._granted is None:
            raise LoginFailedError("the login has given no token")
        return f"{self._scheme} {self._granted.token}"

    def _is_valid(self) -> bool:
        granted = self._granted
        if granted is None or self._refused:
            return False
        if granted.expires_at is None:
            return True
        last_moment = max(granted.expires_at - _LAST_MOMENT_SECONDS, granted.granted_at + _LEAST_USE_SECONDS)
        return self._now() < last_moment

    def _is_due(self) -> bool:
        renew_at = self._granted.renew_at if self._granted is not None else None
        return renew_at is not None and self._now() >= renew_at

    def _pause_seconds(self) -> float:
        renew_at = self._granted.renew_at if self._granted is not None else None
        return PAUSE_SECONDS if renew_at is None else min(PAUSE_SECONDS, max(0.1, renew_at - self._now()))

    async def _renew(self) -> None:
        if self._granted is not None and self._now() < self._failed_at + PAUSE_SECONDS:
            return
        try:
            self._granted = await self._log_in()
        except LoginFailedError as error:
            self._failed_at = self._now()
            if self._granted is None:
                raise
            log.warn("the login failed; the last token is used", reason=str(error))
        else:
            self._refused = False


async def log_in(
    plan: LoginPlan,
    rules: AddressRules,
    tls: ssl.SSLContext | None,
    environment: Mapping[str, str],
    now: Callable[[], float],
) -> Granted:
    """Post name and password and take the token from the answer. Raises LoginFailedError."""
    username = secret_at(plan.username, environment, "user's name")
    password = secret_at(plan.password, environment, "password")
    fields = {plan.username_field: username, plan.password_field: password}
    if plan.format == LoginFormat.JSON:
        body, kind = msgspec.json.encode(fields), "application/json"
    else:
        body, kind = urlencode(fields).encode(), "application/x-www-form-urlencoded"
    headers = {"Content-Type": kind, "Accept": "application/json"}
    asked_at = now()
    secure = Secure(tls) if tls is not None else None
    try:
        answer = await fetch(
            plan.url, rules, headers=headers, timeout_seconds=LOGIN_TIMEOUT_SECONDS, body=body, tls=secure
        )
    except FetchError as error:
        raise LoginFailedError(f"the login at {plan.url} failed: {error}") from error
    if not 200 <= answer.status < 300:
        location = answer.headers.get("Location")
        said = f"to {printable(location)}" if location else printable(readable(answer.body))
        hidden = _without_password(said, password)
        raise LoginFailedError(f"the login at {plan.url} was answered {answer.status}: {hidden}")
    return _granted(plan, answer.body, asked_at)


def _without_password(said: str, password: str) -> str:
    """Hidden as it is, and as JSON, a page and a form would write it."""
    for form in {password, json.dumps(password)[1:-1], escape(password), quote_plus(password), quote(password)}:
        said = without_secret(said, form)
    return said


def secret_at(place: SecretPlace, environment: Mapping[str, str], what: str) -> str:
    """What a file or a variable holds, without its line end. Raises LoginFailedError."""
    if place.file is None:
        text = environment.get(place.variable or "", "")
        if not text:
            raise LoginFailedError(f"the environment variable {place.variable}, with the {what}, is not set")
        return text
    try:
        text = Path(place.file).read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise LoginFailedError(f"no {what} in {place.file}: {reason}") from error
    if not text:
        raise LoginFailedError(f"no {what} in {place.file}: it is empty")
    return text


def _granted(plan: LoginPlan, body: bytes, asked_at: float) -> Granted:
    said = f"the login at {plan.url} was answered"
    try:
        document = parsed(body)
    except ValueError as error:
        raise LoginFailedError(f"{said} with what is no JSON") from error
    found = value_at(document, plan.token_path)
    if not isinstance(found, str):
        # Names only: what stands under another one may be the token.
        names = ", ".join(map(printable, document)) if isinstance(document, dict) else "no object"
        raise LoginFailedError(f"{said} without a token at {plan.token_path} (there is: {names})")
    try:
        token = usable(found)
    except ValueError as error:
        raise LoginFailedError(f"{said} with a token at {plan.token_path} that no header can carry: {error}") from error
    expires_at = expiry_of(token)
    if plan.expires_in_path is not None:
        seconds = value_at(document, plan.expires_in_path)
        known = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if not known or not abs(seconds) < _ENDLESS_SECONDS:
            raise LoginFailedError(f"{said} without a number of seconds at {plan.expires_in_path}")
        expires_at = asked_at + seconds
    return Granted(token, asked_at, expires_at)
