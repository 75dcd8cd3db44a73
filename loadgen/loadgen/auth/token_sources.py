"""Where a plan's token comes from."""

import time
from collections.abc import Mapping
from pathlib import Path

from loadgen.auth.login import GrantedToken, LoginFailedError, LoginToken, log_in
from loadgen.auth.tokens import FixedToken, TokenFile, TokenSource
from loadgen.http.address_rules import rules_of
from loadgen.http.tls import TlsUnusableError, tls_context
from loadtest_model.plan import LoginPlan, Plan


def token_source(plan: Plan, environment: Mapping[str, str]) -> TokenSource | None:
    """What gives the token of a plan; None where it has none.

    Raises TokenUnreadableError where a variable holds none.
    """
    target = plan.target
    if target.login is not None:
        return _login(plan, target.login, environment)
    if target.token is None:
        return None
    if target.token.file is not None:
        return TokenFile(Path(target.token.file), target.auth_scheme)
    variable = target.token.variable or ""
    return FixedToken(environment.get(variable, ""), target.auth_scheme, f"the environment variable {variable}")


def _login(plan: Plan, login: LoginPlan, environment: Mapping[str, str]) -> LoginToken:
    rules = rules_of(plan.network)

    async def log_in_once() -> GrantedToken:
        try:
            tls = tls_context(plan.target.tls) if login.url.lower().startswith("https:") else None
        except TlsUnusableError as error:
            raise LoginFailedError(str(error)) from error
        return await log_in(login, rules, tls, environment, time.time)

    return LoginToken(log_in_once, plan.target.auth_scheme, time.time)
