"""Locust's fast client: a prepared form, rows of a pool with unique ids, or batches of our composer.

BODY names a prepared form, POOL a pool of rows, and without either the composer makes the rows; ROWS are in a batch.
With THROUGHPUT each user begins so many uploads a second.
"""

import json
import os
import secrets
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from locust import FastHttpUser, constant_throughput, task  # type: ignore[import-not-found]

ROWS = int(os.environ["ROWS"])
BOUNDARY = "benchmark"
HEADERS = {"X-Load-Test": "true", "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="clients.csv"\r\n'
    "Content-Type: text/csv\r\n\r\n"
)
TAIL = f"\r\n--{BOUNDARY}--\r\n"


def prepared_form_maker() -> Callable[[], bytes]:
    body = Path(os.environ["BODY"]).read_bytes()
    return lambda: body


def pool_form_maker() -> Callable[[], bytes]:
    pool: dict[str, Any] = json.loads(Path(os.environ["POOL"]).read_text("utf-8"))
    rows = cycle([tuple(row) for row in pool["rows"]])
    upper, lower = (prefix := secrets.token_hex(6)).upper(), prefix
    next_number = 0

    def make() -> bytes:
        nonlocal next_number
        first, next_number = next_number, next_number + ROWS
        lines = [
            f"{before}{upper}{number:08}{between}{lower}{number:08}{end}"
            for number, (before, between, end) in enumerate(islice(rows, ROWS), first)
        ]
        return f"{HEAD}{pool['header']}{''.join(lines)}{TAIL}".encode()

    return make


def composer_form_maker() -> Callable[[], bytes]:
    from loadgen.records import Composer, RecordSpace, load_pools  # noqa: PLC0415 - only this form needs it

    composer = Composer(RecordSpace(seed=1, run_tag=secrets.randbits(48)), load_pools())
    head, tail = HEAD.encode(), TAIL.encode()
    return lambda: b"".join([head, *composer.compose(ROWS).chunks(), tail])


make_body = (
    prepared_form_maker()
    if "BODY" in os.environ
    else pool_form_maker()
    if "POOL" in os.environ
    else composer_form_maker()
)


class Uploader(FastHttpUser):  # type: ignore[misc]
    if "THROUGHPUT" in os.environ:
        wait_time = constant_throughput(float(os.environ["THROUGHPUT"]))

    @task  # type: ignore[untyped-decorator]
    def upload(self) -> None:
        path = os.environ["UPLOAD_PATH"]
        with self.client.post(path, data=make_body(), headers=HEADERS, catch_response=True) as response:
            answer = response.json() if response.status_code == 200 else {}
            if answer.get("load_test_mode") is not True or answer.get("processed_count") != ROWS:
                response.failure(f"answered {response.status_code}")
