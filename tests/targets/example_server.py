"""The example target, or a faulty variant, served by gunicorn on a port of its own of 127.0.0.1."""

import http.client
import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "django_target"
UPLOAD_PATH = "/clients/upload/process/"
_LISTENING = re.compile(r"Listening at: http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Answer:
    """A complete answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        value: dict[str, Any] = json.loads(self.body)
        return value


@dataclass(frozen=True)
class ExampleServer:
    """A running target and the ways to talk to it; no redirect is followed, no proxy is used.

    `group` is the process group of all its processes.
    """

    port: int
    database_path: Path
    log_path: Path
    group: int

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def upload(
        self,
        content: bytes,
        *,
        load_test: bool = False,
        name: str = "clients.csv",
        content_type: str = "application/octet-stream",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Upload a file in the form field `file`."""
        boundary = secrets.token_hex(16)
        part = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        )
        body = part.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        marker = {"X-Load-Test": "true"} if load_test else {}
        request_headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", **marker, **(headers or {})}
        return self.request("POST", UPLOAD_PATH, body, request_headers)

    def count(self, client_id: str | None = None, headers: Mapping[str, str] | None = None) -> int:
        """Rows in the target's database, all or those with this client_id, as the target says."""
        query = f"?{urlencode({'client_id': client_id})}" if client_id else ""
        return int(self.request("GET", f"/clients/count/{query}", headers=headers).json["count"])


@contextmanager
def example_server(
    folder: Path,
    environment: Mapping[str, str] | None = None,
    application: str = "config.wsgi",
    prefix: Sequence[str] = (),
) -> Iterator[ExampleServer]:
    """Serve `application` with its database and log in `folder`; it has ended when the context ends. `prefix` stands
    before its command. Unless `environment` says otherwise, it has no guard, so most of its time is its own.

    Raises RuntimeError with the log if it does not answer probes within 60 s.
    """
    database_path, log_path = folder / "db.sqlite3", folder / "gunicorn.log"
    variables = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(Path(__file__).parent),
        "BIND": "127.0.0.1:0",
        "SQLITE_PATH": str(database_path),
        "LOAD_TEST_GUARD": "off",
        **(environment or {}),
    }
    command = [*prefix, sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", application]
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, cwd=EXAMPLE, env=variables, stdout=log, stderr=log, start_new_session=True)
    try:
        yield ExampleServer(_wait_until_serving(process, log_path), database_path, log_path, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_serving(process: "subprocess.Popen[bytes]", log_path: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        listening = _LISTENING.search(log_path.read_text())
        if listening and _answers_probes(port := int(listening[1])):
            return port
        time.sleep(0.02)
    raise RuntimeError(f"the target did not come up:\n{log_path.read_text()}")


def _answers_probes(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
