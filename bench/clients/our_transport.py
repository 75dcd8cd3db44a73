"""`our_transport.py URL BODY ROWS VIRTUAL_USERS`: the generator's HTTP client alone, with one prepared form.

Connections are kept or not as in a load of batches of so many rows.
"""

import asyncio
import sys
from pathlib import Path

from loadgen.cli import event_loop
from loadgen.http.address_rules import AddressRules
from loadgen.http.endpoints import parse_endpoint, site_of
from loadgen.http.request_headers import request_head
from loadgen.http.timeouts import UploadTimeouts
from loadgen.http.transport import Client, Request, keeps_connections, open_client
from loadgen.http.upload_progress import UploadProgress
from loadtest_model.spec.connecting import ConnectionUse


async def upload_for_ever(client: Client, request: Request) -> None:
    while True:
        exchange = await client.post(request, UploadProgress(), UploadTimeouts(total_seconds=120.0))
        if exchange.answer is None or exchange.answer.status != 200:
            raise RuntimeError(f"not accepted: {exchange}")


async def load(url: str, body: bytes, rows: int, virtual_users: int) -> None:
    boundary = body[2 : body.index(b"\r\n")].decode()
    site = site_of(url)
    headers = {
        "Host": site.host_header,
        "X-Load-Test": "true",
        "Content-Type": f"multipart/form-data; boundary={boundary}",
    }
    request = Request(
        endpoint=parse_endpoint(f"{site.host}:{site.port}"),
        server_hostname=None,
        head=request_head(site.request_target, headers),
        length=len(body),
        parts=(body,),
    )
    keeps_alive = keeps_connections(ConnectionUse.AUTO, rows)
    async with open_client(AddressRules(), keep_alive=keeps_alive) as client, asyncio.TaskGroup() as users:
        for _ in range(virtual_users):
            users.create_task(upload_for_ever(client, request))


def main() -> None:
    url, body, rows, virtual_users = sys.argv[1:]
    event_loop.run(load(url, Path(body).read_bytes(), int(rows), int(virtual_users)))


if __name__ == "__main__":
    main()
