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

GUARDED = (
    *("plain", "bulk", "raw_sql", "durable", "on_commit", "second_database", "streams", "swallows_an_error"),
    *("class_view", "own_shape", "long_answer"),
)


@pytest.mark.parametrize("view", GUARDED)
def test_a_view_that_writes_confirms_and_nothing_is_stored(client: Client, token: str, view: str) -> None:
    before = stored_customers(), stored_audits()

    answer = post(client, view, token)

    assert answer.status_code == 200
    body = answer.json()
    assert body["load_test_mode"] is True
    assert body["load_test_nonce"] == "5f3a"
    assert body["load_test"]["writes_prevented"] > 0
    assert body["load_test"]["queries"] > 0
    assert (stored_customers(), stored_audits()) == before


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


def test_a_view_that_fails_stores_nothing_and_confirms_nothing(client: Client, token: str) -> None:
    before = stored_customers()

    answer = post(client, "fails", token)

    assert answer.status_code == 500
    assert b"load_test_mode" not in answer.content
    assert stored_customers() == before


@pytest.mark.parametrize("view", ["commits_by_django", "commits_by_sql", "commits_by_driver", "rolls_back_by_driver"])
def test_a_view_that_ends_the_transaction_is_refused_and_stores_nothing(client: Client, token: str, view: str) -> None:
    before = stored_customers()

    answer = post(client, view, token)

    assert answer.status_code in (409, 500)
    assert b"load_test_mode" not in answer.content
    assert stored_customers() == before


@pytest.mark.skipif(not IS_POSTGRESQL, reason="SQLite refuses to end the transaction, so it cannot be broken")
def test_after_a_broken_transaction_no_load_test_is_processed_by_this_process(client: Client, token: str) -> None:
    broken = post(client, "rolls_back_by_driver", token)
    next_answer = post(client, "plain", token)

    assert broken.status_code == 500
    assert "ended the guard's transaction on default; rows may be stored" in broken.json()["message"]
    assert next_answer.status_code == 403
    assert "broke out of the guard" in next_answer.json()["message"]


@pytest.mark.parametrize("view", ["thread", "raw_driver"])
def test_a_thread_and_a_connection_of_its_own_are_not_held(
    client: Client, token: str, view: str, guard_with: Any
) -> None:
    before = stored_customers()

    answer = post(client, view, token)

    assert answer.json()["load_test_mode"] is True
    assert stored_customers() == before + 1


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
