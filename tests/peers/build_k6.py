"""k6, built from its Go module."""

from pathlib import Path

from peers.go_program import go_program


def k6() -> Path:
    """Return the program; see go_program. Its first build takes some minutes."""
    return go_program("k6", packages=780, flags=["-ldflags=-s -w"])
