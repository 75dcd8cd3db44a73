"""What views do under the guard, with the rows counted by a connection of its own before and after."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from guard_requests import post
from guard_rows import IS_POSTGRESQL, execute, stored_audits, stored_customers
from guarded_shop import outbox, views
from view_outcomes import OUTCOMES, End

IN_THIS_PROCESS = {name: outcome for name, outcome in OUTCOMES.items() if not outcome.needs_asgi}


def assert_end(end: End, answer: Any, before: tuple[int, int]) -> None:
    """The answer, and the rows, are what the docs say."""
    stored_rows = stored_customers() - before[0] + stored_audits() - before[1]
    if end in (End.CONFIRMED, End.ESCAPED):
        assert answer.status_code in (200, 201)
        assert (answer.json()["load_test_mode"], answer.json()["load_test_nonce"]) == (True, "5f3a")
    else:
        assert answer.status_code == 500 if end is End.FAILED else answer.status_code in (409, 500)
        assert b"load_test_mode" not in answer.content
    assert stored_rows == (1 if end is End.ESCAPED else 0)


@pytest.mark.parametrize("view", IN_THIS_PROCESS)
def test_a_view_comes_to_what_the_docs_say_in_the_mode_rollback(client: Client, token: str, view: str) -> None:
    execute("INSERT INTO guarded_shop_customer (number, name, photo) VALUES ('kept', 'old', '')")
    before = stored_customers(), stored_audits()

    answer = post(client, view, token)

    assert_end(OUTCOMES[view].rollback, answer, before)


@pytest.mark.parametrize("view", IN_THIS_PROCESS)
def test_a_view_comes_to_what_the_docs_say_in_the_mode_readonly(
    client: Client, token: str, view: str, guard_with: Any
) -> None:
    execute("INSERT INTO guarded_shop_customer (number, name, photo) VALUES ('kept', 'old', '')")
    before = stored_customers(), stored_audits()

    with guard_with(MODE="readonly"):
        answer = post(client, view, token)

    assert_end(OUTCOMES[view].readonly, answer, before)


def test_the_same_views_store_for_everybody_else(client: Client) -> None:
    plain_client = Client()
    before = stored_customers()

    answer = plain_client.post("/plain/?number=everybody")

    assert answer.json() == {"success": True, "processed_count": 1}
    assert stored_customers() == before + 1


def test_on_commit_never_fires(client: Client, token: str) -> None:
    post(client, "on_commit", token)

    assert views.committed == []


def test_rows_that_are_locked_are_free_and_unchanged_afterwards(client: Client, token: str) -> None:
    execute("INSERT INTO guarded_shop_customer (number, name, photo) VALUES ('kept', 'old', '')")

    answer = post(client, "locks", token)

    assert answer.json()["processed_count"] == 1
    execute("UPDATE guarded_shop_customer SET name = 'new' WHERE name = 'old'")
    assert client.get("/reads/").json() == {"processed_count": 1}


@pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite refuses to end the transaction, so it cannot be broken")
def test_after_a_broken_transaction_no_load_test_is_processed_by_this_process(client: Client, token: str) -> None:
    broken = post(client, "rolls_back_by_driver", token)
    next_answer = post(client, "plain", token)

    assert broken.status_code == 500
    assert "ended the guard's transaction on default; rows may be stored" in broken.json()["message"]
    assert next_answer.status_code == 403
    assert "broke out of the guard" in next_answer.json()["message"]


def test_mails_are_held_and_counted(client: Client, token: str) -> None:
    answer = post(client, "sends_mail", token)

    assert answer.json()["load_test"]["held"] == {"mail": 3}
    assert outbox.sent == []


def test_files_are_neither_saved_nor_deleted(client: Client, token: str, media: Path) -> None:
    (media / "kept.txt").write_text("kept")

    answer = post(client, "saves_files", token)

    assert answer.json()["load_test"]["held"] == {"file": 3}
    assert [path.name for path in media.rglob("*")] == ["kept.txt"]


def test_a_cache_shows_a_load_test_its_own_entries_and_keeps_none(client: Client, token: str) -> None:
    cache.set("kept", "before")

    answer = post(client, "caches", token)

    seen = answer.json()["seen"]
    assert (seen["hits"], seen["kept"]) == (1, None)
    assert seen["last"].startswith("N")
    assert (cache.get("last"), cache.get("hits"), cache.get("kept")) == (None, None, "before")


@pytest.mark.parametrize("view", ["sends_mail", "saves_files", "caches"])
def test_effects_are_refused_where_the_settings_say_so(client: Client, token: str, view: str, guard_with: Any) -> None:
    with guard_with(EFFECTS="refuse"):
        answer = post(client, view, token)

    assert answer.status_code == 409
    assert "no rollback undoes" in answer.json()["message"]


def test_nothing_is_held_for_everybody_else(media: Path) -> None:
    client = Client()
    client.post("/sends_mail/?number=a")
    client.post("/saves_files/?number=mailed")
    client.post("/caches/?number=b")

    assert len(outbox.sent) == 3
    assert (media / "own.txt").exists()
    assert cache.get("last") == "b"


@pytest.mark.parametrize("view", ["plain", "bulk", "raw_sql", "streams", "second_database"])
def test_a_write_is_refused_and_named_in_the_mode_readonly(
    client: Client, token: str, view: str, guard_with: Any
) -> None:
    before = stored_customers(), stored_audits()

    with guard_with(MODE="readonly"):
        answer = post(client, view, token)

    assert answer.status_code == 409
    assert "the view writes, and the mode is readonly: INSERT INTO" in answer.json()["message"]
    assert (stored_customers(), stored_audits()) == before


def test_a_view_that_only_reads_is_confirmed_in_the_mode_readonly(client: Client, token: str, guard_with: Any) -> None:
    with guard_with(MODE="readonly"):
        answer = post(client, "reads", token)

    assert answer.json()["load_test_mode"] is True
    assert answer.json()["load_test"] == {
        **answer.json()["load_test"],
        "mode": "readonly",
        "writes_prevented": 0,
        "queries": 1,
    }


@pytest.fixture
def media() -> Iterator[Path]:
    folder = Path(settings.MEDIA_ROOT)
    folder.mkdir(exist_ok=True)
    yield folder
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
