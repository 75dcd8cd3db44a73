"""nginx, the real one, as a proxy before a target, on ports of its own of 127.0.0.1."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localcluster.ports import free_port

_CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port};
        proxy_set_header Host 127.0.0.1;
        {server}
    }}
}}
"""


@contextmanager
def nginx_proxy(folder: Path, server: str, http: str = "") -> Iterator[int]:
    """Run nginx with these directives of its server block and of its http block; gives the server's port.

    Skips the test with the reason where nginx is missing and cannot be installed.
    """
    program = _find_or_install()
    port = free_port()
    file = folder / "nginx.conf"
    # A worker of another user than root's could not reach into a folder of root's.
    user = "user root;" if os.geteuid() == 0 else ""
    file.write_text(_CONFIGURATION.format(user=user, folder=folder, port=port, server=server, http=http))
    process = subprocess.Popen(
        [program, "-c", str(file), "-p", str(folder), "-e", str(folder / "error.log")], stderr=subprocess.DEVNULL
    )
    try:
        wait_until_serving(process, port, folder / "error.log")
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _find_or_install() -> str:
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    program = shutil.which("nginx", path=path)
    if program:
        return program
    if shutil.which("apt-get") is None:
        pytest.skip("there is no nginx, and no apt-get to install it")
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "--quiet", "--yes"]
    # The package would else start a server of its own.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    install = [*apt, "install", "--no-install-recommends", "nginx-light"]
    errors = ""
    # The lists of packages may be missing or too old; they are fetched only then.
    for command in (install, [*apt, "update"], install):
        process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        errors = process.stderr
        if program := shutil.which("nginx", path=path):
            return program
    pytest.skip(f"nginx cannot be installed: {errors.strip()[-500:]}")


def wait_until_serving(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nginx did not come up: {log.read_text() if log.exists() else ''}")
