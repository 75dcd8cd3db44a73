"""A receiver of webhooks on a loopback address, which answers as a test asks it to."""

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from localcluster.rest import wait_for

Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a request is answered with, after so many seconds; status 0 closes the connection without an answer."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    after_seconds: float = 0.0


@dataclass(frozen=True)
class ReceivedMessage:
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Json:
        document: Json = json.loads(self.body)
        return document


@dataclass
class Receiver:
    """A server with what it has received. The answers are given in their order, and 200 after them."""

    url: str
    answers: list[Answer]
    messages: list[ReceivedMessage] = field(default_factory=list)

    def until(self, count: int, seconds: float = 30.0) -> list[ReceivedMessage]:
        """Wait for so many messages."""
        wait_for(f"{count} messages", lambda: len(self.messages) >= count, seconds)
        return self.messages


@contextmanager
def receiver(
    *answers: Answer, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """A running receiver; with `tls` it speaks HTTPS."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                answer = made.answers.pop(0) if made.answers else Answer()
                made.messages.append(ReceivedMessage(self.path, dict(self.headers), body, time.monotonic()))
            time.sleep(answer.after_seconds)
            if answer.status == 0:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": "0"}.items():
                self.send_header(name, value)
            self.end_headers()

        def do_PUT(self) -> None:
            self.do_POST()

        def log_message(self, *_: Any) -> None:
            """Nothing is logged."""

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    scheme = "http"
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    made = Receiver(f"{scheme}://{address}:{server.server_address[1]}", list(answers))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
