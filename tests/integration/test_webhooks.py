"""Messages to real receivers: one that fails first, is slow, redirects, is gone, or shows an unknown certificate."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from certificates import make_authority
from loadtest_model.report.afterwards import MessageState, StatusMessage
from loadtest_operator.messages import sending
from loadtest_operator.messages.ended_run import EndedRun
from loadtest_operator.messages.messenger import Messenger
from localcluster.ports import free_port
from support.builders import IDENTITY
from support.messengers import a_messenger
from support.webhook_receiver import Answer, Receiver, receiver

SECRET = "T0PS3CRET-of-the-path"
HEADER_SECRET = "T0PS3CRET-of-the-header"
STATUS = {
    "completedAt": "2026-03-01T12:00:00Z",
    "verdict": "Failed",
    "message": "p95 was 3 s",
    "atAGlance": ["Failed", "Records: 5"],
}
RUN = EndedRun(IDENTITY, "v1.2.3", STATUS)


def write(folder: Path, url: str, **fields: Any) -> str:
    """A file with one webhook, whose path and header hold secrets."""
    webhook = {"name": "team", "url": f"{url}/{SECRET}", "format": "slack", **fields}
    webhook["headers"] = {"Authorization": f"Bearer {HEADER_SECRET}"}
    file = folder / "webhooks.yaml"
    file.write_text(yaml.safe_dump({"webhooks": [webhook]}))
    return str(file)


@asynccontextmanager
async def sending_messenger(path: str, seconds: float = 60.0, **fields: Any) -> AsyncIterator[Messenger]:
    async with a_messenger(path, **fields) as messenger:
        messenger.send(RUN, ("team",), seconds)
        yield messenger


async def until_end(messenger: Messenger, seconds: float = 30.0) -> StatusMessage:
    """Wait until the message was sent or given up."""
    deadline = time.monotonic() + seconds
    while not (ends := messenger.ends(RUN.key)):
        assert time.monotonic() < deadline, "the message has no end"
        await asyncio.sleep(0.02)
    (end,) = ends
    return end


def assert_no_secret(*texts: str) -> None:
    for text in texts:
        assert "T0PS3CRET" not in text


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Everything that anybody logs, at every level."""
    caplog.set_level(logging.DEBUG)
    return lambda: caplog.text


async def test_a_message_is_sent_once_with_the_headers_of_the_file_and_a_key(
    tmp_path: Path, log: Callable[[], str]
) -> None:
    counted: list[str] = []
    with receiver() as there:
        async with sending_messenger(write(tmp_path, there.url), count=counted.append) as messenger:
            end = await until_end(messenger)
            messenger.send(RUN, ("team",), 60.0)
            await asyncio.sleep(0)

    (message,) = there.messages
    assert (end.state, end.detail, counted) == (MessageState.SENT, "", ["Sent"])
    assert message.path == f"/{SECRET}"
    assert message.headers["Authorization"] == f"Bearer {HEADER_SECRET}"
    assert message.headers["Idempotency-Key"] == f"{IDENTITY.uid}/v1.2.3/2026-03-01T12:00:00Z"
    assert message.json["text"] == "LoadTest shop/heavy, run v1.2.3: Failed"
    assert_no_secret(log(), str(end))


async def test_a_run_that_has_the_id_of_an_earlier_one_is_told_of_as_well(tmp_path: Path) -> None:
    later = EndedRun(IDENTITY, RUN.run_id, {**STATUS, "completedAt": "2026-03-01T13:00:00Z"})
    with receiver() as there:
        async with sending_messenger(write(tmp_path, there.url)) as messenger:
            await until_end(messenger)
            messenger.send(later, ("team",), 60.0)
            while not messenger.ends(later.key):  # noqa: ASYNC110 - the receiver is a thread
                await asyncio.sleep(0.02)

    assert len({message.headers["Idempotency-Key"] for message in there.messages}) == len(there.messages) == 2


@pytest.mark.parametrize("failures", [[Answer(503)], [Answer(500), Answer(429)], [Answer(0)], [Answer(408)]])
async def test_a_receiver_that_fails_first_gets_the_same_message_again(
    tmp_path: Path, failures: list[Answer], log: Callable[[], str]
) -> None:
    with receiver(*failures) as there:
        async with sending_messenger(write(tmp_path, there.url)) as messenger:
            end = await until_end(messenger)

    assert end.state is MessageState.SENT
    assert len(there.messages) == len(failures) + 1
    assert len({message.headers["Idempotency-Key"] for message in there.messages}) == 1
    assert len({message.body for message in there.messages}) == 1
    assert_no_secret(log())


def in_a_second() -> str:
    """A date of which whole seconds are told: at least one second away."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)


@pytest.mark.parametrize("form", ["seconds", "date"])
@pytest.mark.parametrize("status", [429, 503])
async def test_the_pause_that_a_receiver_asks_for_is_kept(tmp_path: Path, form: str, status: int) -> None:
    with receiver() as there:
        there.answers.append(Answer(status, {"Retry-After": "1" if form == "seconds" else in_a_second()}))
        async with sending_messenger(write(tmp_path, there.url)) as messenger:
            end = await until_end(messenger)

    first, second = there.messages
    assert end.state is MessageState.SENT
    # Without being asked for a pause it would have waited for half of FIRST_PAUSE_SECONDS.
    assert second.at - first.at >= 0.9


async def test_a_pause_beyond_the_time_that_is_left_ends_the_attempts(tmp_path: Path) -> None:
    with receiver(Answer(429, {"Retry-After": "3600"})) as there:
        async with sending_messenger(write(tmp_path, there.url)) as messenger:
            end = await until_end(messenger)

    assert (end.state, end.detail) == (MessageState.FAILED, "it answered 429, and it was too late to try again")
    assert len(there.messages) == 1


async def test_a_redirect_is_not_followed(tmp_path: Path, log: Callable[[], str]) -> None:
    with receiver() as elsewhere, receiver(Answer(307, {"Location": f"{elsewhere.url}/{SECRET}"})) as there:
        async with sending_messenger(write(tmp_path, there.url)) as messenger:
            end = await until_end(messenger)

    assert end.state is MessageState.FAILED
    assert end.detail == "it answered 307, and redirects are not followed"
    assert (len(there.messages), elsewhere.messages) == (1, [])
    assert_no_secret(log(), end.detail)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_refusal_is_final(tmp_path: Path, status: int) -> None:
    with receiver(Answer(status)) as there:
        async with sending_messenger(write(tmp_path, there.url)) as messenger:
            end = await until_end(messenger)

    assert (end.state, end.detail) == (MessageState.FAILED, f"it answered {status}")
    assert len(there.messages) == 1


async def test_a_slow_receiver_is_waited_for_so_long_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "ATTEMPT_SECONDS", 1.0)
    with receiver(Answer(200, after_seconds=3.0)) as there:
        async with sending_messenger(write(tmp_path, there.url)) as messenger:
            end = await until_end(messenger)

    assert end.state is MessageState.SENT
    assert len(there.messages) == 2


async def test_a_receiver_that_is_gone_is_given_up_when_it_is_too_late(tmp_path: Path, log: Callable[[], str]) -> None:
    async with sending_messenger(write(tmp_path, f"http://127.0.0.1:{free_port()}"), seconds=1.0) as messenger:
        end = await until_end(messenger)

    assert end.state is MessageState.FAILED
    assert end.detail == "the connection was not opened, and it was too late to try again"
    assert_no_secret(log(), end.detail)


async def test_a_name_that_nobody_knows_is_said_without_it(tmp_path: Path, log: Callable[[], str]) -> None:
    path = write(tmp_path, "http://t0ps3cret.invalid")
    async with sending_messenger(path, seconds=0.5) as messenger:
        end = await until_end(messenger)

    assert end.detail == "its name was not resolved, and it was too late to try again"
    assert "t0ps3cret" not in log().lower()


async def test_a_receiver_that_comes_back_gets_the_message(tmp_path: Path) -> None:
    port = free_port()
    async with sending_messenger(write(tmp_path, f"http://127.0.0.1:{port}")) as messenger:
        await asyncio.sleep(0.2)
        assert messenger.ends(RUN.key) == ()
        with receiver(port=port) as there:
            end = await until_end(messenger)

    assert end.state is MessageState.SENT
    assert len(there.messages) == 1


async def test_an_address_that_is_corrected_while_a_message_waits_is_used(tmp_path: Path) -> None:
    with receiver() as there:
        async with sending_messenger(write(tmp_path, f"http://127.0.0.1:{free_port()}")) as messenger:
            await asyncio.sleep(0.2)
            write(tmp_path, there.url)
            end = await until_end(messenger)

    assert end.state is MessageState.SENT


async def test_a_certificate_is_checked_by_the_authorities_of_the_file(tmp_path: Path, log: Callable[[], str]) -> None:
    authority = make_authority(tmp_path, "receivers")
    certificate = authority.sign("receiver", "IP:127.0.0.1")
    trusted = {"certificateAuthorities": authority.file.read_text()}

    async def end_at(there: Receiver, seconds: float, **fields: Any) -> StatusMessage:
        async with sending_messenger(write(tmp_path, there.url, **fields), seconds) as messenger:
            return await until_end(messenger)

    with receiver(tls=certificate.server_context()) as there:
        unknown, known = await end_at(there, 0.5), await end_at(there, 60.0, **trusted)

    assert unknown.detail == "its certificate was not accepted, and it was too late to try again"
    assert known.state is MessageState.SENT
    assert len(there.messages) == 1
    assert_no_secret(log())


async def test_proxies_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    with receiver() as there:
        async with sending_messenger(write(tmp_path, there.url)) as messenger:
            assert (await until_end(messenger)).state is MessageState.SENT


async def test_a_slow_receiver_holds_up_neither_another_one_nor_the_end_of_the_operator(tmp_path: Path) -> None:
    file = tmp_path / "both.yaml"
    with receiver(Answer(200, after_seconds=8.0)) as slow, receiver() as quick:
        webhooks = [
            {"name": name, "url": each.url, "format": "slack"} for name, each in (("slow", slow), ("quick", quick))
        ]
        file.write_text(yaml.safe_dump({"webhooks": webhooks}))
        began_at = time.monotonic()
        async with a_messenger(str(file)) as messenger:
            messenger.send(RUN, ("slow", "quick"), 60.0)
            end = await until_end(messenger)
        assert time.monotonic() - began_at < 6.0

    assert end.webhook == "quick"
