"""The guard's own tests behind PgBouncer, which pools by transactions, with both drivers of PostgreSQL."""

import subprocess
from collections.abc import Iterator

import pytest

from pgbouncer_server import pgbouncer_server
from postgresql_server import postgresql_server
from support.guard_own_tests import peer_or_skip, run_own_tests

PSYCOPG_2 = "5.2-psycopg2"
_SESSIONS_OF_ONE_CONNECTION = """
import sys, psycopg
url = sys.argv[1] + "/postgres"
one, other = psycopg.connect(url, autocommit=True), psycopg.connect(url)
before = one.info.backend_pid, one.execute("SELECT pg_backend_pid()").fetchone()[0]
other.execute("SELECT 1")  # It holds the session that was free until its transaction ends.
print(one.execute("SELECT pg_backend_pid()").fetchone()[0] != before[1])
"""


@pytest.fixture(scope="module")
def postgresql_url() -> Iterator[str]:
    with postgresql_server() as url:
        yield url


@pytest.fixture(scope="module")
def pooled_url(postgresql_url: str) -> Iterator[str]:
    with pgbouncer_server(postgresql_url) as url:
        yield url


def test_the_pooler_gives_one_connection_several_sessions(pooled_url: str) -> None:
    """Else it would not be what the other tests are about."""
    peer = peer_or_skip("5.2")
    process = subprocess.run(
        [peer.python, "-c", _SESSIONS_OF_ONE_CONNECTION, pooled_url],
        check=True,
        env={"PYTHONPATH": str(peer.packages)},
        capture_output=True,
        text=True,
    )

    assert process.stdout == "True\n"


@pytest.mark.parametrize("version", ["5.2", PSYCOPG_2])
def test_the_guard_keeps_its_promises_behind_a_pooler(version: str, pooled_url: str) -> None:
    assert " passed" in run_own_tests(version, pooled_url)


def test_the_guard_keeps_its_promises_with_the_older_driver(postgresql_url: str) -> None:
    assert " passed" in run_own_tests(PSYCOPG_2, postgresql_url)
