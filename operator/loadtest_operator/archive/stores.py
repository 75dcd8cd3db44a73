"""Where files are archived: a folder, such as a mounted volume, or a bucket of an S3-compatible server."""

import asyncio
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from loadtest_operator.archive.signing import Credentials, UnsignedRequest, signed_headers

REQUEST_SECONDS: Final = 30.0


class ArchiveError(Exception):
    """Files that could not be archived; the message shows no credential."""


class Store(Protocol):
    """A place for files."""

    async def write(self, prefix: str, files: Mapping[str, bytes]) -> None:
        """Write files under a prefix such as `shop/heavy/v1-0a1b2c3d`. To write the same again changes nothing.

        Raises ArchiveError.
        """


class FolderStore:
    """Files in a folder. All files of a prefix appear at once, or none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def write(self, prefix: str, files: Mapping[str, bytes]) -> None:
        try:
            await asyncio.to_thread(self._write, self._folder / prefix, files)
        except OSError as error:
            raise ArchiveError(f"the folder was not written: {error.strerror}") from error

    @staticmethod
    def _write(target: Path, files: Mapping[str, bytes]) -> None:
        if target.exists():
            # It appeared as a whole.
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        for remains in target.parent.glob(f".{target.name}.*"):
            # Of an operator that was killed while it wrote.
            shutil.rmtree(remains, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            for name, content in files.items():
                with (partial / name).open("wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            partial.chmod(0o755)
            partial.rename(target)
        except OSError:
            shutil.rmtree(partial, ignore_errors=True)
            raise


class BucketStore:
    """Objects in a bucket, whose URL may end with a prefix: `https://s3.example.com/bucket/load-tests`.

    `credentials_folder` has the files `accessKeyId` and `secretAccessKey`, and if need be `sessionToken` and `ca.crt`.
    They are read for each run, so that they may be renewed.
    """

    def __init__(self, url: str, region: str, credentials_folder: Path, now: Callable[[], datetime]) -> None:
        self._parts = urlsplit(url)
        self._region = region
        self._credentials_folder = credentials_folder
        self._now = now

    async def write(self, prefix: str, files: Mapping[str, bytes]) -> None:
        credentials = self._credentials()
        tls: ssl.SSLContext | bool = self._tls() if self._parts.scheme == "https" else True
        async with aiohttp.ClientSession(trust_env=False) as session:
            for name, content in files.items():
                await self._put(session, f"{prefix}/{name}", content, credentials, tls)

    async def _put(
        self,
        session: aiohttp.ClientSession,
        key: str,
        content: bytes,
        credentials: Credentials,
        tls: ssl.SSLContext | bool,
    ) -> None:
        path = f"{self._parts.path.rstrip('/')}/{quote(key, safe='/-_.~')}"
        host = self._parts.netloc
        headers = signed_headers(UnsignedRequest("PUT", host, path, content), credentials, self._region, self._now())
        url = URL(f"{self._parts.scheme}://{host}{path}", encoded=True)
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS),
                session.put(url, data=content, headers=headers, allow_redirects=False, ssl=tls) as answer,
            ):
                if not 200 <= answer.status < 300:
                    raise ArchiveError(f"the bucket answered {answer.status}")
        except TimeoutError as error:
            raise ArchiveError(f"the bucket did not answer within {REQUEST_SECONDS:.0f} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ArchiveError(f"the bucket was not reached: {type(error).__name__}") from error

    def _credentials(self) -> Credentials:
        return Credentials(
            self._credential("accessKeyId"), self._credential("secretAccessKey"), self._credential("sessionToken", "")
        )

    def _credential(self, name: str, default: str | None = None) -> str:
        try:
            return (self._credentials_folder / name).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            if default is not None:
                return default
            raise ArchiveError(f"the credential {name} cannot be read") from error

    def _tls(self) -> ssl.SSLContext:
        authorities = self._credentials_folder / "ca.crt"
        try:
            return ssl.create_default_context(cafile=authorities if authorities.exists() else None)
        except (OSError, ssl.SSLError) as error:
            raise ArchiveError("ca.crt has no certificates as PEM") from error


def store_at(place: str, region: str, credentials_folder: Path, now: Callable[[], datetime]) -> Store | None:
    """The store at a folder or at the URL of a bucket; None without a place."""
    if not place:
        return None
    return FolderStore(Path(place)) if place.startswith("/") else BucketStore(place, region, credentials_folder, now)
