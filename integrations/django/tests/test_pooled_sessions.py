"""Sessions of PostgreSQL that are not those of the requests before, as behind a pooler."""

import pytest
from django.db import connection
from django.test import Client

from guard_requests import post
from guard_rows import IS_POSTGRESQL, stored_customers

pytestmark = pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite has no sessions")


@pytest.mark.parametrize(("view", "status"), [("plain", 200), ("commits_by_driver", 500)])
def test_a_session_without_the_seals_table_is_sealed_all_the_same(
    client: Client, token: str, view: str, status: int
) -> None:
    post(client, "plain", token)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")
    before = stored_customers()

    answer = post(client, view, token)

    assert answer.status_code == status
    assert stored_customers() == before
