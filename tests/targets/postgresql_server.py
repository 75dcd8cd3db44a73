"""PostgreSQL, the real one, with a data folder of its own, on a port of its own of 127.0.0.1."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from localcluster.packages import PackageError, install
from localcluster.ports import free_port

_DEBIAN_PROGRAMS = Path("/usr/lib/postgresql")
_USER = "nobody"
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
"""


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Run PostgreSQL; gives the URL of its superuser, without a database.

    Skips the test with the reason where PostgreSQL is missing and cannot be installed.
    """
    programs = _find_or_install()
    # Not in a folder of pytest, which each session closes anew for everybody but the user that runs the tests.
    with tempfile.TemporaryDirectory(prefix="postgresql-", ignore_cleanup_errors=True) as folder:
        yield from _serve(programs, Path(folder))


def _serve(programs: Path, folder: Path) -> Iterator[str]:
    data, port = folder / "data", free_port()
    data.mkdir()
    if os.geteuid() == 0:
        # It refuses to run as root, and its user must be able to enter the folder above its data.
        shutil.chown(data, _USER)
        folder.chmod(0o755)
    _run([programs / "initdb", "--auth=trust", "--username=guard", "--encoding=UTF8", "--no-sync", "-D", data])
    with (data / "postgresql.conf").open("a") as file:
        file.write(_CONFIGURATION.format(port=port))
    control = [programs / "pg_ctl", "-D", data, "-w", "-t", "60"]
    _run([*control, "-l", data / "log", "start"])
    try:
        yield f"postgresql://guard@127.0.0.1:{port}"
    finally:
        _run([*control, "-m", "immediate", "stop"])


def _run(command: Sequence[object]) -> None:
    is_root = os.geteuid() == 0
    process = subprocess.run(
        [str(word) for word in command],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        user=_USER if is_root else None,
        extra_groups=() if is_root else None,
    )
    assert process.returncode == 0, f"{command[0]}: {process.stderr}"


def _find_or_install() -> Path:
    if (programs := _find()) is None:
        try:
            # The package would else make a cluster of its own, and start it.
            Path("/etc/postgresql-common").mkdir(exist_ok=True)
            Path("/etc/postgresql-common/createcluster.conf").write_text("create_main_cluster = false\n")
            install(["postgresql"])
        except (PackageError, OSError) as error:
            pytest.skip(f"there is no PostgreSQL: {error}")
        programs = _find()
    assert programs is not None
    return programs


def _find() -> Path | None:
    on_path = shutil.which("initdb")
    if on_path is not None and shutil.which("postgres", path=str(Path(on_path).parent)) is not None:
        return Path(on_path).parent
    # Debian keeps the server's programs out of the PATH, the newest version last.
    versions = sorted(_DEBIAN_PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return versions[-1].parent if versions else None
