"""Archiving to a real S3-compatible server, which checks every signature itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loadtest_operator.archive.stores import ArchiveError, BucketStore
from peers import PeerMissingError
from peers.s3_server import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, S3Server, s3_server, versitygw
from support.webhook_receiver import Answer, receiver

pytestmark = pytest.mark.timeout(900)

PREFIX = "shop/heavy/v1.2.3-0a1b2c3d"
FILES = {"summary.json": b"{}", "time_series.csv": b"a,b\n" * 50_000, "report.html": "<é>".encode(), "empty": b""}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    try:
        program = versitygw()
    except PeerMissingError as error:
        pytest.skip(str(error))
    with s3_server(program, tmp_path_factory.mktemp("s3"), "runs") as running:
        yield running


def now() -> datetime:
    return datetime.now(UTC)


def write_credentials(folder: Path, secret: str = SECRET_ACCESS_KEY) -> Path:
    (folder / "accessKeyId").write_text(f"{ACCESS_KEY_ID}\n")
    (folder / "secretAccessKey").write_text(secret)
    return folder


def a_store(url: str, folder: Path, region: str = REGION, clock: timedelta = timedelta()) -> BucketStore:
    return BucketStore(url, region, write_credentials(folder), lambda: now() + clock)


@pytest.mark.parametrize("place", ["runs", "runs/load tests", "runs/"])
async def test_the_files_of_a_run_are_objects_under_the_prefix(server: S3Server, tmp_path: Path, place: str) -> None:
    prefix = f"{place.replace(' ', '-').strip('/').replace('/', '-')}-{PREFIX}"
    store = a_store(f"{server.url}/{place.replace(' ', '%20')}", tmp_path)

    await store.write(prefix, FILES)
    await store.write(prefix, FILES)

    below = place.partition("/")[2]
    expected = {f"{below + '/' if below else ''}{prefix}/{name}": content for name, content in FILES.items()}
    stored = server.files("runs")
    assert {key: stored[key] for key in expected} == expected


async def test_a_prefix_with_characters_that_are_escaped_is_signed_as_it_is_sent(
    server: S3Server, tmp_path: Path
) -> None:
    await a_store(f"{server.url}/runs", tmp_path).write("a+b ~=&(c)/d", {"x.json": b"1"})

    assert server.files("runs")["a+b ~=&(c)/d/x.json"] == b"1"


@pytest.mark.parametrize("wrong", ["secret", "region", "clock", "bucket"])
async def test_what_the_server_refuses_is_told_without_a_credential(
    server: S3Server, tmp_path: Path, wrong: str
) -> None:
    store = a_store(
        f"{server.url}/{'nowhere' if wrong == 'bucket' else 'runs'}",
        tmp_path,
        region="us-west-2" if wrong == "region" else REGION,
        clock=timedelta(hours=-2) if wrong == "clock" else timedelta(),
    )
    if wrong == "secret":
        write_credentials(tmp_path, "another")

    with pytest.raises(ArchiveError, match=r"the bucket answered 4\d\d") as refusal:
        await store.write(f"refused-{wrong}", FILES)

    assert "T0PS3CRET" not in str(refusal.value)
    assert ACCESS_KEY_ID not in str(refusal.value)
    assert not any(key.startswith("refused") for key in server.files("runs"))


async def test_credentials_that_were_renewed_are_used(server: S3Server, tmp_path: Path) -> None:
    store = a_store(f"{server.url}/runs", tmp_path)
    write_credentials(tmp_path, "another")
    with pytest.raises(ArchiveError):
        await store.write("renewed", {"x": b"1"})

    write_credentials(tmp_path)
    await store.write("renewed", {"x": b"1"})

    assert server.files("runs")["renewed/x"] == b"1"


async def test_credentials_that_are_not_there_are_named(server: S3Server, tmp_path: Path) -> None:
    store = BucketStore(f"{server.url}/runs", REGION, tmp_path, now)

    with pytest.raises(ArchiveError, match="the credential accessKeyId cannot be read"):
        await store.write("none", FILES)


async def test_a_server_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with receiver() as there:
        url = there.url

    with pytest.raises(ArchiveError, match="the bucket was not reached"):
        await a_store(f"{url}/runs", tmp_path).write("gone", FILES)


async def test_a_redirect_is_not_followed(server: S3Server, tmp_path: Path) -> None:
    with (
        receiver(Answer(307, {"Location": f"{server.url}/runs/x"})) as there,
        pytest.raises(ArchiveError, match="the bucket answered 307"),
    ):
        await a_store(f"{there.url}/runs", tmp_path).write("elsewhere", {"x": b"1"})

    assert len(there.messages) == 1
    assert "elsewhere/x" not in server.files("runs")
