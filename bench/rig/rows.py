"""What the peers send: files of the composer's rows, and a pool of rows with the places of their unique ids."""

import json
from pathlib import Path

from loadgen.records import Composer, RecordSpace, load_pools

POOL_ROWS = 2_000
BOUNDARY = "benchmark"


def body(rows: int) -> bytes:
    """A whole multipart form with one file of so many rows."""
    composer = Composer(RecordSpace(seed=1, run_tag=1), load_pools())
    file = b"".join(composer.compose(rows).chunks())
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="clients.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    return head.encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


def request(path: str, content: bytes) -> bytes:
    """A whole HTTP request with a form as its body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Load-Test: true\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def write_pool(path: Path) -> None:
    """The header line and rows as JSON, each row the three texts around its id and its e-mail's id.

    The ids are 20 characters; what a script fills in must be as long, or it sends less than we do.
    """
    composer = Composer(RecordSpace(seed=1, run_tag=1), load_pools())
    batch = composer.compose(POOL_ROWS)
    head, *lines = b"".join(batch.chunks()).decode().splitlines(keepends=True)
    pool = []
    for line, client_id in zip(lines, batch.client_ids(), strict=True):
        before, after = line.split(client_id)
        between, end = after.split(client_id.lower())
        pool.append([before, between, end])
    path.write_text(json.dumps({"header": head, "rows": pool}), encoding="utf-8")
