"""vegeta, built from its Go module."""

from pathlib import Path

from peers.go_program import go_program


def vegeta() -> Path:
    """Return the program; see go_program."""
    return go_program("vegeta", packages=250, flags=["-ldflags=-s -w"], package="github.com/tsenart/vegeta/v12")
