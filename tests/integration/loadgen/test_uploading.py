"""What a plan's target section makes of an upload on the wire, and what an upload tells of its answer."""

import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from certificates import make_authority
from http_target import PATH, HttpTarget, ReceivedUpload, honouring_answer, running_target
from loadgen.auth.secret_texts import TokenUnreadableError
from loadgen.http.endpoints import Endpoint
from loadgen.http.upload_progress import UploadProgress
from loadgen.proof.proving import Prover
from loadgen.upload.addresses import AddressBook
from loadgen.upload.uploading import Upload, make_uploader
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.snapshot import Refusal
from loadtest_model.plan import Plan, SecretPlace, SecretPlaces
from support.loadgen_plans import make_plan


async def uploaded(
    plan: Plan, target: HttpTarget, times: int = 1, environment: Mapping[str, str] | None = None
) -> list[Upload]:
    """So many uploads of five rows, one after the other, by one client."""
    uploader = make_uploader(plan, 0, lambda: "nonce", environment or {})
    async with uploader.open_client(5) as client:
        return [
            await uploader.upload(client, Endpoint(target.host, target.port), 5, UploadProgress()) for _ in range(times)
        ]


async def test_the_host_header_may_be_another_than_the_url_s() -> None:
    async with running_target() as target:
        await uploaded(make_plan(target.url, target={"host": "shop.example"}), target)
        await uploaded(make_plan(target.url), target)

    assert [received.headers["Host"] for received in target.uploads] == [
        "shop.example",
        f"{target.host}:{target.port}",
    ]


@pytest.mark.parametrize(("chosen", "connections"), [("Auto", 1), ("Kept", 1), ("PerUpload", 3)])
async def test_connections_are_kept_as_the_spec_says(chosen: str, connections: int) -> None:
    async with running_target() as target:
        await uploaded(make_plan(target.url, target={"connections": chosen}), target, times=3)

    assert len({received.connection for received in target.uploads}) == connections


async def test_a_token_of_the_environment_is_sent_and_written_nowhere() -> None:
    async with running_target() as target:
        plan = make_plan(target.url, places=SecretPlaces(token=SecretPlace(variable="AUTH_TOKEN")))
        await uploaded(plan, target, environment={"AUTH_TOKEN": "s3cret\n"})

    assert target.uploads[0].headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(plan)


def test_a_variable_without_a_token_is_named() -> None:
    plan = make_plan(f"http://127.0.0.1:1{PATH}", places=SecretPlaces(token=SecretPlace(variable="AUTH_TOKEN")))

    with pytest.raises(TokenUnreadableError, match="no token in the environment variable AUTH_TOKEN: it is empty"):
        make_uploader(plan, 0, lambda: "nonce", {})


@pytest.mark.parametrize("status", [200, 401, 500])
async def test_a_target_that_repeats_the_token_does_not_make_it_known(status: int) -> None:
    def telling(received: ReceivedUpload) -> web.Response:
        return web.Response(text=f"you are {received.headers['Authorization']}", status=status)

    async with running_target(telling) as target:
        plan = make_plan(target.url, places=SecretPlaces(token=SecretPlace(variable="AUTH_TOKEN")))
        (upload,) = await uploaded(plan, target, environment={"AUTH_TOKEN": "s3cret"})

    assert upload.answer_text == "you are Bearer ***"
    assert "s3cret" not in repr(upload)


async def test_headers_from_secrets_are_sent_beside_the_token_and_read_again_when_they_change(tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text("f1rst\n")
    places = SecretPlaces(
        token=SecretPlace(variable="AUTH_TOKEN"),
        headers={"Load-Test-Token": SecretPlace(file=str(file)), "X-Key": SecretPlace(variable="KEY")},
    )
    variables = {"AUTH_TOKEN": "s3cret", "KEY": "k3y"}
    async with running_target() as target:
        plan = make_plan(target.url, places=places)
        uploader = make_uploader(plan, 0, lambda: "nonce", variables)
        async with uploader.open_client(5) as client:
            endpoint = Endpoint(target.host, target.port)
            await uploader.upload(client, endpoint, 5, UploadProgress())
            file.write_text("and second")
            await uploader.upload(client, endpoint, 5, UploadProgress())

    assert [
        [received.headers[name] for name in ("Authorization", "Load-Test-Token", "X-Key")]
        for received in target.uploads
    ] == [["Bearer s3cret", "f1rst", "k3y"], ["Bearer s3cret", "and second", "k3y"]]
    assert not [secret for secret in ("s3cret", "f1rst", "k3y") if secret in repr(plan)]


@pytest.mark.parametrize("status", [200, 401, 403, 500])
async def test_a_target_that_repeats_a_header_from_a_secret_does_not_make_it_known(status: int) -> None:
    def telling(received: ReceivedUpload) -> web.Response:
        value = received.headers["Load-Test-Token"]
        return web.Response(text=f"you are {value}, that is {value.partition(' ')[2]}", status=status)

    async with running_target(telling) as target:
        places = SecretPlaces(headers={"Load-Test-Token": SecretPlace(variable="KEY")})
        plan = make_plan(target.url, places=places)
        (upload,) = await uploaded(plan, target, environment={"KEY": "Scheme s3cret-text"})

    assert upload.answer_text == "you are ***, that is ***"
    assert "s3cret" not in repr(upload)


@pytest.mark.parametrize("text", ["", "two\nlines", "caf\u00e9"])
async def test_a_header_whose_secret_cannot_be_sent_refuses_the_target_before_any_upload(
    text: str, tmp_path: Path
) -> None:
    file = tmp_path / "value"
    file.write_text(text)
    async with running_target() as target:
        plan = make_plan(target.url, places=SecretPlaces(headers={"X-Key": SecretPlace(file=str(file))}))
        uploader = make_uploader(plan, 0, lambda: "nonce", {})
        report = await Prover(plan, uploader, AddressBook()).prove(full_rows=5)

    assert (report.refusal, report.cause) == (Refusal.UNAUTHORIZED, Cause.TOKEN_MISSING)
    assert f"no value of the header X-Key in {file}" in report.message
    assert "two" not in report.message
    assert target.uploads == []


@pytest.mark.parametrize(
    ("status", "text", "cause"),
    [
        (403, "the token is not valid", Cause.TOKEN_REFUSED),
        (403, "the token has expired", Cause.TOKEN_EXPIRED),
        (403, "a load test needs a token: send the one of `manage.py loadtest_token`", Cause.TOKEN_MISSING),
        (401, "", Cause.TOKEN_REFUSED),
        (403, "not from this network", Cause.PERMISSION_DENIED),
    ],
)
async def test_a_refusal_of_a_header_from_a_secret_is_told_from_a_token_that_was_not_sent(
    status: int, text: str, cause: Cause
) -> None:
    async with running_target(lambda _: web.json_response({"message": text}, status=status)) as target:
        plan = make_plan(target.url, places=SecretPlaces(headers={"Load-Test-Token": SecretPlace(variable="KEY")}))
        (upload,) = await uploaded(plan, target, environment={"KEY": "s3cret"})

    assert upload.judgement.cause is cause


@pytest.mark.parametrize("status", [429, 503])
async def test_the_pause_that_an_answer_asks_for_is_told(status: int) -> None:
    def busy(_: ReceivedUpload) -> web.Response:
        return web.Response(status=status, headers={"Retry-After": "7"})

    async with running_target(busy) as target:
        (upload,) = await uploaded(make_plan(target.url), target)

    assert upload.retry_after_seconds == 7
    assert upload.error is (ErrorKind.THROTTLED if status == 429 else ErrorKind.SERVER_ERROR)


async def test_the_pause_may_be_a_date() -> None:
    def busy(_: ReceivedUpload) -> web.Response:
        headers = {"Retry-After": formatdate(time.time() + 20, usegmt=True)}
        return web.Response(status=429, headers=headers)

    async with running_target(busy) as target:
        (upload,) = await uploaded(make_plan(target.url), target)

    assert upload.retry_after_seconds == pytest.approx(20, abs=2)


async def test_no_upload_is_sent_a_second_time_whatever_was_answered() -> None:
    async with running_target(lambda _: web.Response(status=503, headers={"Retry-After": "0"})) as target:
        await uploaded(make_plan(target.url), target, times=3)

    assert len(target.uploads) == 3
    ids = [client_id for received in target.uploads for client_id in received.client_ids]
    assert len(set(ids)) == len(ids)


async def test_an_upload_tells_its_size_and_the_beginning_of_its_answer() -> None:
    async with running_target(lambda received: honouring_answer(received, note="x" * 1_000)) as target:
        (upload,) = await uploaded(make_plan(target.url), target)

    assert upload.bytes_total == target.uploads[0].body_bytes
    assert upload.answer_text.startswith('{"success": true')
    assert len(upload.answer_text) == 203


async def proven(plan: Plan, full_rows: int = 50) -> Any:
    return await Prover(plan, make_uploader(plan, 0, lambda: "nonce", {}), AddressBook()).prove(full_rows=full_rows)


async def test_a_target_behind_tls_is_verified_at_each_address_under_its_own_name(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    names: list[str | None] = []
    context = authority.sign("target", "DNS:shop.example").server_context(names)
    async with running_target(tls=context) as target:
        url = f"https://shop.example:{target.port}{PATH}"
        plan = make_plan(
            url,
            addresses=(f"127.0.0.1:{target.port}",),
            target={"tls": {"caSecretKeyRef": {"name": "ca"}}},
            places=SecretPlaces(ca_file=str(authority.file)),
        )
        report = await proven(plan)

    assert report.is_proven
    assert set(names) == {"shop.example"}
    assert {received.headers["Host"] for received in target.uploads} == {f"shop.example:{target.port}"}


async def test_another_name_for_tls_leaves_the_host_header_alone(tmp_path: Path) -> None:
    authority = make_authority(tmp_path)
    names: list[str | None] = []
    context = authority.sign("target", "DNS:inner.example").server_context(names)
    async with running_target(tls=context) as target:
        plan = make_plan(
            target.url,
            target={"tls": {"caSecretKeyRef": {"name": "ca"}, "serverName": "inner.example"}},
            places=SecretPlaces(ca_file=str(authority.file)),
        )
        report = await proven(plan)

    assert report.is_proven
    assert set(names) == {"inner.example"}
    assert target.uploads[0].headers["Host"] == f"127.0.0.1:{target.port}"


async def test_a_certificate_that_is_not_trusted_refuses_the_target_with_what_to_do(tmp_path: Path) -> None:
    context = make_authority(tmp_path).sign("target", "IP:127.0.0.1").server_context()
    async with running_target(tls=context) as target:
        report = await proven(make_plan(target.url))

    assert report.refusal is Refusal.TLS
    assert "signed by an authority that is not trusted" in report.message
    assert "spec.target.tls" in report.hint
    assert (report.uploads, target.uploads) == (0, [])


async def test_an_authority_that_cannot_be_read_refuses_the_target_before_anything_is_sent(tmp_path: Path) -> None:
    plan = make_plan(
        f"https://127.0.0.1:1{PATH}",
        target={"tls": {"caSecretKeyRef": {"name": "ca"}}},
        places=SecretPlaces(ca_file=str(tmp_path / "ca.crt")),
    )

    report = await proven(plan)

    assert report.refusal is Refusal.TLS
    assert f"no certificate of an authority in {tmp_path / 'ca.crt'}" in report.message
