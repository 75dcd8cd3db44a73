"""What tells a target who uploads: the Authorization header, and further headers whose values are secrets."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from loadgen.auth.login import GrantedToken, LoginFailedError, LoginToken, log_in
from loadgen.auth.secret_texts import SecretText, secret_text
from loadgen.auth.tokens import HeldToken, TokenSource, one_line, parse_token, token_of, without_secret
from loadgen.http.address_rules import rules_of
from loadgen.http.target_clock import TargetClock
from loadgen.http.tls import TlsUnusableError, tls_context
from loadtest_model.plan import LoginPlan, Plan

AUTHORIZATION: Final = "Authorization"


class Credentials:
    """The secret headers of every upload. `tokens` gives the Authorization header, and is None if there is none."""

    def __init__(self, tokens: TokenSource | None, further: Mapping[str, SecretText]) -> None:
        self._tokens = tokens
        self._further = further

    @property
    def are_needed(self) -> bool:
        """Whether there are any."""
        return self._tokens is not None or bool(self._further)

    async def headers(self) -> dict[str, str]:
        """The headers by their names. Raises TokenUnreadableError if one is called for and could never be had."""
        headers = {} if self._tokens is None else {AUTHORIZATION: await self._tokens.authorization()}
        for name, source in self._further.items():
            headers[name] = source.read()
        return headers

    def note_refusal(self, headers: Mapping[str, str]) -> None:
        """The target answered 401 to an upload with these headers."""
        if self._tokens is not None and AUTHORIZATION in headers:
            self._tokens.note_refusal(headers[AUTHORIZATION])
        for name, source in self._further.items():
            source.note_refusal(headers.get(name, ""))

    async def final_expiry(self) -> float | None:
        """When the token expires for good; None without one, or if it does not say or is renewed.

        Raises TokenUnreadableError as `headers` does.
        """
        await self.headers()
        return None if self._tokens is None else await self._tokens.final_expiry()

    async def keep_fresh(self) -> None:
        """Renew the token before it expires, until cancelled."""
        if self._tokens is not None:
            await self._tokens.keep_fresh()


def credentials_of(plan: Plan, environment: Mapping[str, str], clock: TargetClock) -> Credentials:
    """The credentials of a plan. Lifetimes are read against `clock`.

    Raises TokenUnreadableError if a variable of the environment holds no usable text.
    """
    further = {
        name: secret_text(place, environment, one_line, f"value of the header {name}")
        for name, place in plan.target.secret_headers.items()
    }
    return Credentials(_token_source(plan, environment, clock), further)


def _token_source(plan: Plan, environment: Mapping[str, str], clock: TargetClock) -> TokenSource | None:
    """What gives the token of a plan; None if it has none. Lifetimes are read against `clock`.

    Raises TokenUnreadableError if a variable holds none.
    """
    target = plan.target
    if target.login is not None:
        return _login_token(plan, target.login, environment, clock)
    if target.token is None:
        return None
    scheme = target.auth_scheme
    return HeldToken(secret_text(target.token, environment, partial(parse_token, scheme=scheme), "token"), scheme)


def _login_token(plan: Plan, login: LoginPlan, environment: Mapping[str, str], clock: TargetClock) -> LoginToken:
    rules = rules_of(plan.network)
    is_first = True

    async def log_in_once() -> GrantedToken:
        nonlocal is_first
        try:
            # A login may be renewed under load, and reading the authorities takes some 20 ms.
            is_https = login.url.lower().startswith("https:")
            tls = await asyncio.to_thread(tls_context, plan.target.tls) if is_https else None
        except TlsUnusableError as error:
            raise LoginFailedError(str(error)) from error
        granted = await log_in(login, rules, tls, environment, clock, is_first=is_first)
        is_first = False
        return granted

    return LoginToken(log_in_once, plan.target.auth_scheme, clock.now, time.monotonic)


def without_credentials(text: str, headers: Mapping[str, str]) -> str:
    """A text for logs and people, without the values of secret headers and without the tokens in them."""
    for name, value in headers.items():
        for secret in (token_of(value),) if name == AUTHORIZATION else (value, token_of(value)):
            text = without_secret(text, secret) if secret else text
    return text
