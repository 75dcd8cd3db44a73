"""A server answers to this machine, to addresses and to the names it was given, and to no other."""

import pytest

from loadtest_live.hosts import is_known_host


@pytest.mark.parametrize(
    "header",
    [
        "localhost",
        "localhost:8082",
        "LOCALHOST.",
        "127.0.0.1:1",
        "127.3.4.5",
        "[::1]:8082",
        "10.0.0.7:8082",
        "[fd00::7]",
    ],
)
def test_this_machine_and_addresses_are_known(header: str) -> None:
    assert is_known_host(header, ())


@pytest.mark.parametrize(
    "header",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example:8082", "[evil.example]", "xlocalhost"],
)
def test_other_names_are_not(header: str) -> None:
    assert not is_known_host(header, ["pages.example.com"])


def test_given_names_are_known_whatever_their_port_and_case() -> None:
    for header in ("pages.example.com", "Pages.Example.com:443", "pages.example.com."):
        assert is_known_host(header, ["pages.example.com"])
