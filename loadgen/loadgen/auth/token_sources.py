"""Where a plan's token comes from."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial

from loadgen.auth.login import GrantedToken, LoginFailedError, LoginToken, log_in
from loadgen.auth.secret_texts import secret_text
from loadgen.auth.tokens import HeldToken, TokenSource, parse_token
from loadgen.http.address_rules import rules_of
from loadgen.http.target_clock import TargetClock
from loadgen.http.tls import TlsUnusableError, tls_context
from loadtest_model.plan import LoginPlan, Plan


def token_source(plan: Plan, environment: Mapping[str, str], clock: TargetClock) -> TokenSource | None:
    """What gives the token of a plan; None where it has none. Lifetimes are read against `clock`.

    Raises TokenUnreadableError where a variable holds none.
    """
    target = plan.target
    if target.login is not None:
        return _login(plan, target.login, environment, clock)
    if target.token is None:
        return None
    scheme = target.auth_scheme
    return HeldToken(secret_text(target.token, environment, partial(parse_token, scheme=scheme), "token"), scheme)


def _login(plan: Plan, login: LoginPlan, environment: Mapping[str, str], clock: TargetClock) -> LoginToken:
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
