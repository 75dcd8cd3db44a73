"""A server of the S3 protocol with its own implementation of signatures: versitygw, on a folder of its own."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localcluster.ports import free_port
from localcluster.rest import wait_for
from peers.go_program import go_program

ACCESS_KEY_ID = "a-key-id"
SECRET_ACCESS_KEY = "T0PS3CRET/key+of=the-bucket"
REGION = "eu-central-1"


@dataclass(frozen=True)
class S3Server:
    """A running server. Its buckets are folders, and their objects are files."""

    url: str
    folder: Path

    def files(self, bucket: str) -> dict[str, bytes]:
        """The objects of a bucket by their keys."""
        root = self.folder / bucket
        paths = [path for path in root.rglob("*") if path.is_file() and ".sgwtmp" not in path.parts]
        return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def versitygw() -> Path:
    """Return the server's program; see go_program."""
    return go_program("versitygw", packages=600, package="github.com/versity/versitygw/cmd/versitygw")


@contextmanager
def s3_server(
    program: Path, home: Path, *buckets: str, address: str = "127.0.0.1", port: int | None = None
) -> Iterator[S3Server]:
    """A server with these buckets."""
    folder, metadata = home / "buckets", home / "metadata"
    for each in (folder, metadata, *(folder / bucket for bucket in buckets)):
        each.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    options = ["--access", ACCESS_KEY_ID, "--secret", SECRET_ACCESS_KEY, "--region", REGION]
    command = [str(program), *options, "--port", f"{address}:{port}", "posix", "--sidecar", str(metadata), str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ}
    ) as process:
        try:

            def is_listening() -> bool:
                if process.poll() is not None:
                    raise RuntimeError(f"{program} ended with {process.returncode}")
                with socket.socket() as probe:
                    return probe.connect_ex((address, port)) == 0

            wait_for("the S3 server to listen", is_listening, 30)
            yield S3Server(f"http://{address}:{port}", folder)
        finally:
            process.terminate()
            process.wait(20)
