"""The token of a login: asked for once at a time, renewed before its end and when it was refused."""

import asyncio
from dataclasses import dataclass, field

import pytest

from loadgen.auth.login import PAUSE_SECONDS, GrantedToken, LoginFailedError, LoginToken


@dataclass
class Issuer:
    """A login that gives `token-1`, `token-2` and so on, or fails while `failing`; `now` is everyone's clock."""

    lifetime_seconds: float | None = None
    now: float = 1_000.0
    logins: int = 0
    failing: bool = False
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)
    second_login: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    async def log_in(self) -> GrantedToken:
        self.logins += 1
        number = self.logins
        if number == 2:
            self.second_login.set()
        await self.may_answer.wait()
        if self.failing:
            raise LoginFailedError("the login was answered 401")
        expires_at = None if self.lifetime_seconds is None else self.now + self.lifetime_seconds
        return GrantedToken(f"token-{number}", self.now, expires_at)

    def token(self) -> LoginToken:
        return LoginToken(self.log_in, "Bearer", lambda: self.now)


async def test_one_login_serves_all_uploads() -> None:
    issuer = Issuer()
    issuer.may_answer.clear()
    token = issuer.token()
    asking = [asyncio.create_task(token.authorization()) for _ in range(5)]
    await asyncio.sleep(0)
    issuer.may_answer.set()

    assert await asyncio.gather(*asking) == ["Bearer token-1"] * 5
    assert await token.authorization() == "Bearer token-1"
    assert issuer.logins == 1


async def test_an_expired_token_is_not_used_again() -> None:
    issuer = Issuer(lifetime_seconds=300)
    token = issuer.token()
    await token.authorization()

    issuer.now += 300

    assert await token.authorization() == "Bearer token-2"
    assert token.expires_at == issuer.now + 300


async def test_a_refused_token_is_replaced_by_one_login_whoever_else_was_refused() -> None:
    issuer = Issuer()
    token = issuer.token()
    first = await token.authorization()
    issuer.now += PAUSE_SECONDS

    for _ in range(10):
        token.note_refusal(first)
    second = await token.authorization()
    token.note_refusal(first)

    assert second == await token.authorization() == "Bearer token-2"
    assert issuer.logins == 2


async def test_a_target_that_refuses_every_token_is_not_flooded_with_logins() -> None:
    issuer = Issuer()
    token = issuer.token()
    for _ in range(100):
        token.note_refusal(await token.authorization())
    assert issuer.logins == 1

    issuer.now += PAUSE_SECONDS

    for _ in range(100):
        token.note_refusal(await token.authorization())
    assert issuer.logins == 2


async def test_a_short_lived_token_that_is_refused_before_its_time_is_replaced_within_half_its_life() -> None:
    issuer = Issuer(lifetime_seconds=3)
    token = issuer.token()
    first = await token.authorization()
    token.note_refusal(first)
    assert await token.authorization() == first

    issuer.now += 1.5

    token.note_refusal(first)
    assert await token.authorization() == "Bearer token-2"


async def test_a_first_login_that_fails_is_told() -> None:
    issuer = Issuer(failing=True)

    with pytest.raises(LoginFailedError):
        await issuer.token().final_expiry()


async def test_a_later_login_that_fails_leaves_the_last_token_and_is_tried_again() -> None:
    issuer = Issuer(lifetime_seconds=300)
    token = issuer.token()
    await token.authorization()
    issuer.now += 300
    issuer.failing = True

    assert await token.authorization() == "Bearer token-1"
    assert await token.authorization() == "Bearer token-1"
    assert issuer.logins == 2
    issuer.failing = False
    issuer.now += PAUSE_SECONDS

    assert await token.authorization() == "Bearer token-3"


async def test_a_token_is_renewed_while_the_last_one_still_works() -> None:
    issuer = Issuer(lifetime_seconds=1.0)
    token = issuer.token()
    await token.authorization()
    following = asyncio.create_task(token.keep_fresh())
    try:
        issuer.now += 0.85
        async with asyncio.timeout(10):
            await issuer.second_login.wait()
    finally:
        following.cancel()

    assert await token.authorization() == "Bearer token-2"


async def test_a_token_that_says_nothing_of_its_end_is_left_alone() -> None:
    issuer = Issuer()
    token = issuer.token()
    await token.authorization()
    following = asyncio.create_task(token.keep_fresh())
    issuer.now += 1e9
    await asyncio.sleep(0.05)
    following.cancel()

    assert issuer.logins == 1


async def test_a_token_that_can_be_renewed_never_lapses() -> None:
    assert await Issuer(lifetime_seconds=5).token().final_expiry() is None


@pytest.mark.parametrize(("lifetime", "renew_after"), [(10, 8.0), (300, 240.0), (3_600, 3_540.0)])
def test_a_fifth_of_the_lifetime_is_left_for_the_renewal_but_a_minute_at_most(
    lifetime: float, renew_after: float
) -> None:
    assert GrantedToken("t", 0.0, lifetime).renew_at == pytest.approx(renew_after)


async def test_tokens_that_expire_at_once_do_not_make_every_upload_log_in() -> None:
    issuer = Issuer(lifetime_seconds=0)
    token = issuer.token()

    for _ in range(100):
        await token.authorization()

    assert issuer.logins == 1
