"""PgBouncer, the real one, before a PostgreSQL server, on a port of its own of 127.0.0.1."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from localcluster.packages import PackageError, install
from localcluster.ports import free_port
from nginx_proxy import wait_until_serving

_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
"""


@contextmanager
def pgbouncer_server(postgresql_url: str) -> Iterator[str]:
    """Run PgBouncer, which pools by transactions; gives the URL to use in place of the server's.

    Skips the test with the reason where PgBouncer is missing and cannot be installed.
    """
    program = _find_or_install()
    server, port = urlsplit(postgresql_url), free_port()
    with tempfile.TemporaryDirectory(prefix="pgbouncer-") as folder:
        # It refuses to run as root, and its user must be able to read the file.
        Path(folder).chmod(0o755)
        file, log = Path(folder) / "pgbouncer.ini", Path(folder) / "log"
        file.write_text(_CONFIGURATION.format(server_port=server.port, user=server.username, port=port))
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        with log.open("wb") as output:
            process = subprocess.Popen([program, *user, file], stdout=output, stderr=output)
        try:
            wait_until_serving(process, port, log)
            yield f"postgresql://{server.username}@127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait(30)


def _find_or_install() -> str:
    # Debian puts it among the programs of root.
    path = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin"
    if shutil.which("pgbouncer", path=path) is None:
        try:
            install(["pgbouncer"])
        except PackageError as error:
            pytest.skip(f"there is no PgBouncer: {error}")
    program = shutil.which("pgbouncer", path=path)
    assert program is not None
    return program
