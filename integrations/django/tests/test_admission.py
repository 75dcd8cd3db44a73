"""Who gets in, and that nobody else's request is processed."""

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.core.signing import Signer
from django.test import Client
from django.test.utils import override_settings

from guard_requests import post
from guard_rows import execute, stored_customers
from loadtest_guard.guard_settings import guard_settings
from loadtest_guard.tokens import sign_token


def refusal_of(client: Client, token: str | None, view: str = "plain", **more: str) -> str:
    """The message of a refusal that stored nothing."""
    before = stored_customers()
    answer = post(client, view, token, **more)
    assert answer.status_code == 403
    body = answer.json()
    assert (body["success"], body["code"]) == (False, "load_test_refused")
    assert "load_test_mode" not in body
    assert stored_customers() == before
    return str(body["message"])


def test_without_a_token_nothing_is_processed(client: Client) -> None:
    assert "needs a token" in refusal_of(client, None)


def test_a_token_in_a_header_of_its_own_gets_in(client: Client, token: str) -> None:
    answer = post(client, "plain", None, **{"Load-Test-Token": token, "Authorization": "Bearer of-the-service"})

    assert answer.json()["load_test_mode"] is True


@pytest.mark.parametrize("position", [0, 5, -1])
def test_a_changed_token_is_refused(client: Client, token: str, position: int) -> None:
    characters = list(token)
    characters[position] = "A" if characters[position] != "A" else "B"

    assert refusal_of(client, "".join(characters)) == "the token is not valid"


@pytest.mark.parametrize("text", ["", "x", "a:b", "é", "A" * 100_000])
def test_what_is_no_token_is_refused(client: Client, text: str) -> None:
    refusal_of(client, None, **{"Load-Test-Token": text})


def test_a_token_is_refused_once_it_has_expired(client: Client) -> None:
    token = sign_token(time.time() - 7200, 3600, guard_settings())

    assert refusal_of(client, token) == "the token has expired"


def test_a_token_that_lasts_longer_than_is_allowed_now_is_refused(client: Client, token: str, guard_with: Any) -> None:
    with guard_with(LONGEST_TOKEN_HOURS=0.5):
        assert "LONGEST_TOKEN_HOURS" in refusal_of(client, token)


def test_a_signature_for_another_purpose_is_no_token(client: Client) -> None:
    now = int(time.time())
    facts = {"id": "x", "from": now, "until": now + 60}

    assert refusal_of(client, Signer().sign_object(facts)) == "the token is not valid"


def test_a_key_of_its_own_replaces_the_secret_key(client: Client, token: str, guard_with: Any) -> None:
    with guard_with(KEY="another key of more than thirty-two characters"):
        assert refusal_of(client, token) == "the token is not valid"
        own_token = sign_token(time.time(), 60, guard_settings())
        assert post(client, "plain", own_token).json()["load_test_mode"] is True


def test_a_token_outlives_the_change_of_the_secret_key_as_a_fallback(client: Client, token: str) -> None:
    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
        assert post(client, "plain", token).json()["load_test_mode"] is True


def test_a_token_that_is_not_valid_is_refused_from_an_allowed_network_too(client: Client, guard_with: Any) -> None:
    with guard_with(NETWORKS=["127.0.0.0/8"]):
        assert refusal_of(client, "forged:token") == "the token is not valid"


def test_an_allowed_network_gets_in_and_a_header_about_the_address_does_not_count(guard_with: Any) -> None:
    client = Client()
    with guard_with(NETWORKS=["10.0.0.0/8", "127.0.0.0/8"]):
        assert post(client, "plain", None).json()["load_test_mode"] is True
    with guard_with(NETWORKS=["10.0.0.0/8"]):
        refusal_of(client, None, **{"X-Forwarded-For": "10.1.2.3"})


def test_a_network_alone_does_not_lift_the_protection_from_csrf(client: Client, guard_with: Any) -> None:
    before = stored_customers()

    with guard_with(NETWORKS=["127.0.0.0/8"]):
        answer = post(client, "plain", None)

    assert answer.status_code == 403
    assert b"load_test_mode" not in answer.content
    assert stored_customers() == before


@pytest.fixture
def tester() -> Iterator[User]:
    """A user without the permission."""
    user = User.objects.create_user("tester")
    yield user
    user.delete()


def grant_permission(user: User) -> None:
    content_type = ContentType.objects.get_for_model(User)
    permission, _ = Permission.objects.get_or_create(codename="run_load_tests", content_type=content_type, name="run")
    user.user_permissions.add(permission)


def test_a_user_needs_the_permission_and_hears_so(guard_with: Any, tester: User) -> None:
    client = Client()
    hint = "a load test needs a token, or a user with the permission auth.run_load_tests"
    with guard_with(PERMISSION="auth.run_load_tests"):
        assert refusal_of(client, None) == hint
        client.force_login(tester)
        assert refusal_of(client, None) == hint
        grant_permission(tester)
        assert post(client, "plain", None).json()["load_test_mode"] is True


def test_a_permission_does_not_lift_the_protection_from_csrf(client: Client, guard_with: Any, tester: User) -> None:
    grant_permission(tester)
    client.force_login(tester)
    before = stored_customers()

    with guard_with(PERMISSION="auth.run_load_tests"):
        answer = post(client, "plain", None)

    assert answer.status_code == 403
    assert b"load_test" not in answer.content
    assert stored_customers() == before


def test_the_read_back_needs_the_permission_too(guard_with: Any, tester: User) -> None:
    client = Client()
    client.force_login(tester)
    url = "/load-test/guarded_shop.Customer/count/"
    with guard_with(PERMISSION="auth.run_load_tests"):
        answer = client.get(url)
        assert answer.status_code == 403
        assert "a user with the permission auth.run_load_tests" in answer.json()["message"]
        grant_permission(tester)
        assert client.get(url).status_code == 200


@pytest.mark.parametrize("value", ["1", "yes", "true, true", "TRUE!"])
def test_a_header_that_says_something_else_is_refused(client: Client, token: str, value: str) -> None:
    assert "must be true" in refusal_of(client, token, **{"X-Load-Test": value})


@pytest.mark.parametrize("value", ["false", "0", ""])
def test_a_header_that_says_no_is_no_load_test(value: str) -> None:
    before = stored_customers()

    answer = Client().post("/plain/?number=no", headers={"X-Load-Test": value})

    assert "load_test_mode" not in answer.json()
    assert stored_customers() == before + 1


def test_a_view_that_is_not_protected_is_not_called(client: Client, token: str) -> None:
    assert "not protected" in refusal_of(client, token, view="unprotected")


def test_a_guard_that_is_off_refuses_load_tests(client: Client, token: str, guard_with: Any) -> None:
    with guard_with(ENABLED=False):
        assert "off here" in refusal_of(client, token)


def test_a_guard_with_wrong_settings_refuses_load_tests(client: Client, token: str, guard_with: Any) -> None:
    with guard_with(MODE="rolback"):
        assert "not set up" in refusal_of(client, token)


def test_without_the_middleware_a_protected_view_is_not_called(token: str) -> None:
    with override_settings(MIDDLEWARE=[]):
        assert "middleware" in refusal_of(Client(), token)


def test_each_use_is_logged_without_the_token(client: Client, token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "loadtest_guard"):
        post(client, "plain", token)
        post(client, "plain", token + "x")

    admitted, refused = (record.getMessage() for record in caplog.records if record.name == "loadtest_guard")
    assert admitted.startswith("load test admitted by='token ")
    assert "path='/plain/'" in admitted
    assert refused == "load test refused status=403 remote=127.0.0.1 path='/plain/': the token is not valid"
    assert token not in caplog.text


def test_the_command_prints_a_token_that_gets_in(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("loadtest_token", "--hours", "1")
    output = capsys.readouterr()

    assert post(client, "plain", output.out.strip()).json()["load_test_mode"] is True
    assert ", until 20" in output.err
    with pytest.raises(CommandError, match="24 h at most"):
        call_command("loadtest_token", "--hours", "25")


def test_the_read_back_counts_and_looks_up_by_a_unique_field(client: Client, token: str) -> None:
    execute("INSERT INTO guarded_shop_customer (number, name, photo) VALUES ('C-1', 'Zoe', '')")
    headers = {"Authorization": f"LoadTest {token}"}

    def answer(query: str, **more: str) -> tuple[int, Any]:
        response = client.get(f"/load-test/guarded_shop.Customer/count/{query}", headers={**headers, **more})
        return response.status_code, json.loads(response.content).get("count")

    assert answer("") == (200, 1)
    assert answer("?number=C-1") == (200, 1)
    assert answer("?number=C-2") == (200, 0)
    assert answer("?id=text") == (200, 0)
    assert answer("?name=Zoe") == (400, None)
    assert answer("?number__startswith=C") == (400, None)
    assert client.get("/load-test/auth.User/count/", headers=headers).status_code == 404
    assert client.get("/load-test/guarded_shop.Customer/count/").status_code == 403
