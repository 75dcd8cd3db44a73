"""What `manage.py check` names."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test.utils import override_settings

from loadtest_guard.system_checks import MIDDLEWARE, check_guard


def names() -> list[str]:
    return [str(message.id).removeprefix("loadtest_guard.") for message in check_guard(None)]


def test_the_project_of_the_tests_is_set_up_well() -> None:
    call_command("check")
    assert names() == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"MODE": "rolback"}, "one of rollback, readonly"),
        ({"MOD": "rollback"}, "has no MOD"),
        ({"EFFECTS": "drop"}, "one of hold, refuse"),
        ({"KEY": "short"}, "32 characters"),
        ({"ENABLED": "false"}, "must be True or False"),
        ({"LONGEST_TOKEN_HOURS": 0}, "above 0"),
        ({"NETWORKS": ["10.0.0.1/8"]}, "has host bits set"),
        ({"NETWORKS": "10.0.0.0/8"}, "must be a list of texts"),
    ],
)
def test_settings_that_cannot_be_meant_are_errors(guard_with: Any, values: dict[str, Any], words: str) -> None:
    with guard_with(**values):
        (message,) = check_guard(None)

    assert message.id == "loadtest_guard.E001"
    assert words in message.msg


def test_a_middleware_that_is_missing_is_an_error_and_one_that_is_not_first_a_warning() -> None:
    with override_settings(MIDDLEWARE=settings.MIDDLEWARE[1:]):
        assert names() == ["E002"]
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE[1:], MIDDLEWARE]):
        assert names() == ["W001"]
    with override_settings(MIDDLEWARE=["django.middleware.security.SecurityMiddleware", *settings.MIDDLEWARE]):
        assert names() == []


def test_a_read_back_of_no_model_is_an_error_and_of_one_without_a_unique_field_a_warning(guard_with: Any) -> None:
    with guard_with(READ_BACK=["guarded_shop.Nobody"]):
        assert names() == ["E004"]
    with guard_with(READ_BACK=["guarded_shop.Audit"]):
        assert names() == ["W002"]


def test_a_network_of_everybody_is_an_error(guard_with: Any) -> None:
    with guard_with(NETWORKS=["0.0.0.0/0"]):
        assert names() == ["E005"]


def test_a_permission_needs_the_users(guard_with: Any) -> None:
    users = [name for name in settings.MIDDLEWARE if "Authentication" not in name]
    with guard_with(PERMISSION="auth.run"), override_settings(MIDDLEWARE=users):
        assert names() == ["E006"]


def test_a_project_without_a_protected_view_is_warned() -> None:
    with override_settings(ROOT_URLCONF="loadtest_guard.urls"):
        assert names() == ["W003"]


def test_a_guard_that_is_off_is_not_checked(guard_with: Any) -> None:
    with guard_with(ENABLED=False), override_settings(MIDDLEWARE=[]):
        assert names() == []


def test_verifying_names_what_is_wrong_before_it_sends_anything(guard_with: Any) -> None:
    with pytest.raises(CommandError, match="not protected"):
        call_command("loadtest_verify", "http://127.0.0.1:9/unprotected/")
    with pytest.raises(CommandError, match="no view at /nowhere/"):
        call_command("loadtest_verify", "http://127.0.0.1:9/nowhere/")
    with guard_with(ENABLED=False), pytest.raises(CommandError, match="is not True"):
        call_command("loadtest_verify", "http://127.0.0.1:9/plain/")


def test_verifying_without_loadgen_says_where_a_checkout_has_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CommandError, match=r"\.venv/bin of a checkout .* into PATH") as caught:
        call_command("loadtest_verify", "http://127.0.0.1:9/plain/")
    assert "make setup" in str(caught.value)


@pytest.mark.parametrize(("file", "told"), [(None, True), ("test.yaml", False)])
def test_a_verification_that_fails_says_where_names_of_the_service_are_given(
    file: str | None, told: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "loadgen"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    errors = io.StringIO()

    with pytest.raises(SystemExit) as caught:
        call_command("loadtest_verify", "http://127.0.0.1:9/plain/", file=file, stderr=errors)

    assert caught.value.code == 3
    assert ("after --" in errors.getvalue()) is told
    assert ("-f" in errors.getvalue()) is told
