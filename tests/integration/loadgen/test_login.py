"""Logging in at a real server: what is sent, what is taken from the answer, and what a failure says."""

import base64
import html
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from aiohttp import web

from certificates import make_authority
from http_target import HttpTarget, ReceivedUpload, honouring_answer, running_target
from loadgen.auth.login import GrantedToken, LoginFailedError, log_in
from loadgen.http.address_rules import AddressRules, rules_of
from loadgen.http.endpoints import Endpoint
from loadgen.http.target_clock import TargetClock
from loadgen.http.tls import tls_context
from loadgen.http.upload_progress import UploadProgress
from loadgen.proof.proving import Prover
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import Uploader, make_uploader
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import Refusal
from loadtest_model.plan import AddressPolicy, LoginPlan, Plan, SecretPlace, SecretPlaces, TlsPlan
from serving import serving
from support.loadgen_plans import make_plan

PASSWORD = "correct horse battery staple"
PLACES = SecretPlaces(username=SecretPlace(variable="ROBOT"), password=SecretPlace(variable="WORD"))
ANYWHERE = AddressRules()
ENVIRONMENT = {"ROBOT": "robot", "WORD": PASSWORD}


def jwt(left_seconds: float, name: str = "x") -> str:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + left_seconds, "n": name}).encode()).decode()
    return f"e30.{claims.rstrip('=')}.c2ln"


@dataclass
class Issuer:
    """A log-in view. `answer` makes what it answers, the number of the login in hand."""

    answer: Callable[[int], web.Response] = lambda number: web.json_response({"access": f"token-{number}"})
    received: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            self.received.append(await request.json())
        else:
            self.received.append(dict(await request.post()))
        self.headers.append(dict(request.headers))
        return self.answer(len(self.received))


@asynccontextmanager
async def issuing(answer: Callable[[int], web.Response] | None = None, tls: Any = None) -> AsyncIterator[Issuer]:
    issuer = Issuer(answer) if answer else Issuer()
    application = web.Application()
    application.router.add_post("/api/token/", issuer.handle)
    async with serving(application, tls=tls) as port:
        issuer.url = f"http{'s' if tls else ''}://127.0.0.1:{port}/api/token/"
        yield issuer


def login_plan(url: str, **changes: Any) -> LoginPlan:
    fields: dict[str, Any] = {
        "username": PLACES.username,
        "password": PLACES.password,
        "username_field": "username",
        "password_field": "password",
        "format": "json",
        "token_path": "access",
        "expires_in_path": None,
        **changes,
    }
    return LoginPlan(url=url, **fields)


async def granted(
    plan: LoginPlan,
    rules: AddressRules = ANYWHERE,
    tls: Any = None,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> GrantedToken:
    return await log_in(plan, rules, tls, environment, TargetClock())


async def test_name_and_password_are_posted_as_json() -> None:
    async with issuing() as issuer:
        given = await granted(login_plan(issuer.url))

    assert (given.token, given.expires_at) == ("token-1", None)
    assert issuer.received == [{"username": "robot", "password": PASSWORD}]
    assert "X-Load-Test" not in issuer.headers[0]


async def test_name_and_password_are_posted_as_a_form_under_names_of_one_s_own() -> None:
    async with issuing() as issuer:
        plan = login_plan(issuer.url, format="form", username_field="email", password_field="pass word")
        await granted(plan)

    assert issuer.received == [{"email": "robot", "pass word": PASSWORD}]


async def test_token_and_lifetime_are_taken_from_their_paths() -> None:
    def nested(_: int) -> web.Response:
        return web.json_response({"data": {"token": "abc", "expires_in": 60}})

    async with issuing(nested) as issuer:
        before = time.time()
        given = await granted(login_plan(issuer.url, token_path="data.token", expires_in_path="data.expires_in"))

    assert given.token == "abc"
    assert given.expires_at == pytest.approx(before + 60, abs=5)


@pytest.mark.parametrize("seconds", [10**400, float("nan"), float("inf"), True, "60"])
async def test_a_lifetime_that_is_no_number_of_seconds_is_said_to_be_none(seconds: object) -> None:
    async with issuing(lambda _: web.json_response({"access": "abc", "expires_in": seconds})) as issuer:
        with pytest.raises(LoginFailedError, match="without a number of seconds at expires_in"):
            await granted(login_plan(issuer.url, expires_in_path="expires_in"))


async def test_a_token_that_is_a_jwt_says_itself_when_it_expires() -> None:
    async with issuing(lambda _: web.json_response({"access": jwt(300)})) as issuer:
        given = await granted(login_plan(issuer.url))

    assert given.expires_at == pytest.approx(time.time() + 300, abs=5)


async def test_name_and_password_are_read_from_files_without_their_line_ends(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("robot\n")
    (tmp_path / "password").write_text(" sp ace \r\n")
    async with issuing() as issuer:
        files = {name: SecretPlace(file=str(tmp_path / name)) for name in ("username", "password")}
        await granted(login_plan(issuer.url, **files))

    assert issuer.received == [{"username": "robot", "password": " sp ace "}]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda _: web.json_response({"detail": "No active account"}, status=401), "answered 401: "),
        (lambda _: web.json_response({"detail": "No active account"}, status=401), "No active account"),
        (lambda _: web.Response(status=302, headers={"Location": "/accounts/login/"}), "302: to /accounts/login/"),
        (lambda _: web.Response(text="<html>"), "what is no JSON"),
        (
            lambda _: web.json_response({"token": "s3cret", "user": 1}),
            "without a token at access (there is: token, user)",
        ),
        (lambda _: web.json_response(["s3cret"]), "without a token at access"),
        (lambda _: web.json_response({"access": "two\nlines"}), "no header can carry"),
        (lambda _: web.json_response({"access": ""}), "no header can carry: it is empty"),
    ],
)
async def test_a_login_that_fails_says_why_and_keeps_every_secret(
    answer: Callable[[int], web.Response], words: str
) -> None:
    async with issuing(answer) as issuer:
        with pytest.raises(LoginFailedError) as failure:
            await granted(login_plan(issuer.url))

    assert words in str(failure.value)
    assert "s3cret" not in str(failure.value)
    assert len(issuer.received) == 1


@pytest.mark.parametrize(
    "written",
    [str, lambda text: json.dumps(text)[1:-1], html.escape, quote_plus, quote],
    ids=["as it is", "as JSON", "as a page", "as a form", "as a URL"],
)
async def test_an_answer_that_repeats_the_password_does_not_make_it_known(written: Callable[[str], str]) -> None:
    password = 'a "staple" & more'

    def echoing(_: int) -> web.Response:
        return web.Response(text=f"robot may not log in with {written(password)}!", status=403)

    async with issuing(echoing) as issuer:
        with pytest.raises(LoginFailedError) as failure:
            await granted(login_plan(issuer.url), environment={**ENVIRONMENT, "WORD": password})

    assert str(failure.value).endswith("may not log in with ***!")


async def test_a_login_at_a_denied_address_is_never_sent() -> None:
    async with issuing() as issuer:
        with pytest.raises(LoginFailedError, match="are not allowed"):
            await granted(login_plan(issuer.url), rules_of(AddressPolicy(denied=("127.0.0.0/8",))))

    assert issuer.received == []


async def test_a_login_trusts_the_authority_that_the_target_has(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    context = authority.sign("issuer", "IP:127.0.0.1").server_context()
    async with issuing(tls=context) as issuer:
        given = await granted(login_plan(issuer.url), tls=tls_context(TlsPlan(ca_file=str(authority.file))))
        with pytest.raises(LoginFailedError, match="an authority that is not trusted"):
            await granted(login_plan(issuer.url))

    assert given.token == "token-1"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (SecretPlace(variable="NONE"), "environment variable NONE, with the password, is not set"),
        (SecretPlace(file="/nowhere/password"), "no password in /nowhere/password: No such file"),
    ],
)
async def test_a_password_that_is_nowhere_is_told(place: SecretPlace, words: str) -> None:
    with pytest.raises(LoginFailedError, match=words):
        await granted(login_plan("http://127.0.0.1:1/", password=place))


def guarded(accepted: set[str]) -> Callable[[ReceivedUpload], web.StreamResponse]:
    """A target that takes these tokens and no others."""

    def answer(received: ReceivedUpload) -> web.StreamResponse:
        if received.headers.get("Authorization", "").removeprefix("Bearer ") in accepted:
            return honouring_answer(received)
        return web.json_response({"detail": "token not valid"}, status=401)

    return answer


def plan_with_login(target: HttpTarget, issuer: Issuer, **changes: Any) -> Plan:
    login = {"url": issuer.url, "secretRef": {"name": "robot"}}
    return make_plan(target.url, target={"auth": {"login": login}}, places=PLACES, **changes)


def uploader_of(plan: Plan) -> Uploader:
    return make_uploader(plan, 0, lambda: "nonce", ENVIRONMENT)


async def test_a_target_behind_a_login_is_verified_after_one_login() -> None:
    async with issuing() as issuer, running_target(guarded({"token-1"})) as target:
        plan = plan_with_login(target, issuer)
        report = await Prover(plan, uploader_of(plan), AddressBook()).prove(full_rows=50)

    assert report.is_proven
    assert len(issuer.received) == 1
    assert {received.headers["Authorization"] for received in target.uploads} == {"Bearer token-1"}


async def test_a_login_that_fails_refuses_the_target_before_anything_is_sent() -> None:
    async with issuing(lambda _: web.json_response({}, status=401)) as issuer, running_target() as target:
        plan = plan_with_login(target, issuer)
        report = await Prover(plan, uploader_of(plan), AddressBook()).prove(full_rows=50)

    assert report.refusal is Refusal.UNAUTHORIZED
    assert "the login at" in report.message
    assert (report.uploads, target.uploads) == (0, [])


async def test_a_token_that_ends_within_the_load_is_no_refusal_where_a_login_renews_it() -> None:
    short = jwt(30)
    async with (
        issuing(lambda _: web.json_response({"access": short})) as issuer,
        running_target(guarded({short})) as target,
    ):
        plan = plan_with_login(target, issuer, duration_seconds=3_600)
        report = await Prover(plan, uploader_of(plan), AddressBook()).prove(full_rows=50)

    assert report.is_proven


async def test_an_upload_that_got_a_401_is_counted_and_the_next_one_has_a_new_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("loadgen.auth.login.PAUSE_SECONDS", 0.0)
    accepted = {"token-1"}
    async with issuing() as issuer, running_target(guarded(accepted)) as target:
        uploader = uploader_of(plan_with_login(target, issuer))
        endpoint = Endpoint(target.host, target.port)
        async with uploader.open_client(5) as client:
            first = await uploader.upload(client, endpoint, 5, UploadProgress())
            accepted.clear()
            accepted.add("token-2")
            second = await uploader.upload(client, endpoint, 5, UploadProgress())
            third = await uploader.upload(client, endpoint, 5, UploadProgress())

    assert [upload.error for upload in (first, second, third)] == [None, ErrorKind.UNAUTHORIZED, None]
    assert len(target.uploads) == 3
    assert len(issuer.received) == 2
