"""What the guard costs requests that are no load tests."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

from django.test import Client

import loadtest_guard

FOLDER = str(Path(loadtest_guard.__file__).parent)


def functions_called(client: Client, path: str, headers: dict[str, str]) -> list[str]:
    """The guard's functions that a request runs through."""
    names: list[str] = []

    def observe(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(FOLDER):
            names.append(frame.f_code.co_name)

    client.get("/reads/")
    sys.setprofile(observe)
    try:
        client.post(path, headers=headers)
    finally:
        sys.setprofile(None)
    return names


def test_another_request_pays_five_calls_and_one_for_each_cursor(client: Client) -> None:
    names = functions_called(Client(), "/reads/", {})

    assert names == ["__call__", "asked_for", "_process_view", "guarded_view", "_is_unguarded", "asked_for", "cursor"]


def test_a_load_test_pays_more(token: str) -> None:
    headers = {"X-Load-Test": "true", "Load-Test-Token": token}

    assert len(functions_called(Client(), "/reads/", headers)) > 50
