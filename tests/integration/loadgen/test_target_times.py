"""A machine whose clock is off: tokens are read by the target's clock, and the difference is told."""

import asyncio
import base64
import itertools
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from http_target import ReceivedUpload, honouring_answer, running_target
from loadgen.http.endpoints import Endpoint
from loadgen.http.upload_progress import UploadProgress
from loadgen.proof.proving import Prover
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import Uploader, make_uploader
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.snapshot import Refusal
from loadtest_model.plan import LoginPlan, Plan, SecretPlace
from loadtest_model.spec.auth import LoginFormat
from raw_target import read_request, running_raw_target
from support.loadgen_plans import make_plan

HOUR = 3_600
LIFETIME = 300


def jwt(**claims: float) -> str:
    encoded = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    return f"e30.{encoded.rstrip('=')}.c2ln"


@dataclass
class Company:
    """A target and its log-in view, both `ahead_seconds` before this machine.

    It takes only tokens that are valid by its own clock.
    """

    ahead_seconds: float
    tells_date: bool = True
    tells_issue: bool = False
    lifetime_seconds: float = LIFETIME
    logins: int = 0
    refused: int = 0
    expiries: dict[str, float] = field(default_factory=dict)

    def now(self) -> float:
        return time.time() + self.ahead_seconds

    def date(self) -> dict[str, str]:
        return {"Date": formatdate(self.now(), usegmt=True)}

    def token(self) -> str:
        now = self.now()
        token = jwt(exp=now + self.lifetime_seconds, n=self.logins, **({"iat": now} if self.tells_issue else {}))
        self.expiries[f"Bearer {token}"] = now + self.lifetime_seconds
        return token

    def answer(self, received: ReceivedUpload) -> web.StreamResponse:
        if self.expiries.get(received.headers["Authorization"], 0.0) <= self.now():
            self.refused += 1
            return web.Response(status=401, headers=self.date())
        answer = honouring_answer(received)
        answer.headers.update(self.date())
        return answer

    async def log_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        self.logins += 1
        body = json.dumps({"access": self.token()}).encode()
        date = f"Date: {self.date()['Date']}\r\n" if self.tells_date else ""
        head = f"HTTP/1.1 200 OK\r\n{date}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


def uploader_for(plan: Plan) -> Uploader:
    numbers = itertools.count()
    return make_uploader(plan, 0, lambda: f"nonce-{next(numbers)}", {"ROBOT": "robot", "WORD": "password"})


@asynccontextmanager
async def logging_in(company: Company, url: str) -> AsyncIterator[Plan]:
    async with running_raw_target(company.log_in) as address:
        login = LoginPlan(
            url=f"http://{address}/login/",
            username=SecretPlace(variable="ROBOT"),
            password=SecretPlace(variable="WORD"),
            username_field="username",
            password_field="password",
            format=LoginFormat.JSON,
            token_path="access",
            expires_in_path=None,
        )
        plan = make_plan(url)
        yield msgspec.structs.replace(plan, target=msgspec.structs.replace(plan.target, login=login))


def with_token_file(company: Company, url: str, file: Path, **fields: Any) -> Plan:
    file.write_text(company.token())
    return make_plan(url, token_file=str(file), **fields)


async def test_a_token_that_only_this_machines_clock_calls_expired_is_good_and_the_clock_is_named(
    tmp_path: Path,
) -> None:
    company = Company(ahead_seconds=-HOUR)
    async with running_target(company.answer) as target:
        plan = with_token_file(company, target.url, tmp_path / "token")

        report = await Prover(plan, uploader_for(plan), AddressBook()).prove(full_rows=20)

    assert report.refusal is None, report.message
    assert re.search(r"this machine's clock is 3,60[01] s ahead of the target's", report.message)


async def test_a_token_that_is_over_by_the_targets_clock_is_refused_before_any_row(tmp_path: Path) -> None:
    company = Company(ahead_seconds=HOUR)
    async with running_target(company.answer) as target:
        plan = with_token_file(company, target.url, tmp_path / "token", duration_seconds=60)
        # By this machine's clock it has more than an hour left.
        company.ahead_seconds += LIFETIME - 90

        report = await Prover(plan, uploader_for(plan), AddressBook()).prove(full_rows=20)

    assert (report.refusal, report.cause) == (Refusal.EXPIRING, Cause.TOKEN_EXPIRES_EARLY)
    assert "s behind the target's" in report.message
    assert target.rows == 0


async def test_a_refused_token_is_called_expired_by_the_targets_clock(tmp_path: Path) -> None:
    company = Company(ahead_seconds=HOUR)
    async with running_target(company.answer) as target:
        plan = with_token_file(company, target.url, tmp_path / "token")
        company.ahead_seconds += LIFETIME + 60

        report = await Prover(plan, uploader_for(plan), AddressBook()).prove(full_rows=20)

    assert (report.refusal, report.cause) == (Refusal.UNAUTHORIZED, Cause.TOKEN_EXPIRED)
    assert "s behind the target's" in report.message


@pytest.mark.parametrize("tells_issue", [False, True], ids=["exp", "exp-and-iat"])
@pytest.mark.parametrize("tells_date", [False, True], ids=["without-date", "with-date"])
@pytest.mark.parametrize("ahead_seconds", [-HOUR, -LIFETIME + 1, HOUR])
async def test_a_clock_that_is_off_makes_no_storm_of_logins(
    ahead_seconds: float, tells_date: bool, tells_issue: bool
) -> None:
    company = Company(ahead_seconds, tells_date, tells_issue)
    async with running_target(company.answer) as target, logging_in(company, target.url) as plan:
        uploader = uploader_for(plan)
        report = await Prover(plan, uploader, AddressBook()).prove(full_rows=20)
        fresh = asyncio.create_task(uploader.keep_token_fresh())
        until = time.monotonic() + 4
        while time.monotonic() < until:
            await uploader.credentials()
            await asyncio.sleep(0.01)
        fresh.cancel()

    assert report.refusal is None, report.message
    # One when the target's own clock shows that what was known before was wrong.
    assert company.logins <= 2
    assert company.refused == 0


async def test_a_token_is_renewed_before_it_ends_by_the_targets_clock() -> None:
    company = Company(ahead_seconds=HOUR, lifetime_seconds=5)
    async with running_target(company.answer) as target, logging_in(company, target.url) as plan:
        uploader = uploader_for(plan)
        async with uploader.open_client(1) as client:
            fresh = asyncio.create_task(uploader.keep_token_fresh())
            until = time.monotonic() + 12
            endpoint = Endpoint("127.0.0.1", target.port)
            while time.monotonic() < until:
                await uploader.upload(client, endpoint, 1, UploadProgress())
                await asyncio.sleep(0.1)
            fresh.cancel()

    assert company.refused == 0
    assert 2 <= company.logins <= 6
