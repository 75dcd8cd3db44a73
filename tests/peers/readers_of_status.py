"""Programs that judge a resource by its status: kubectl, kstatus, and the health checks of Flux."""

import shutil
from pathlib import Path

from peers.go_program import go_program


def kubectl() -> Path:
    """Return the kubectl on the PATH, else one built from its Go module; see go_program."""
    found = shutil.which("kubectl")
    return Path(found) if found else go_program("kubectl", packages=900, flags=["-ldflags=-s -w"])


def kstatus() -> Path:
    """Return a program that reads resources as JSON, one a line, and writes what kstatus calls each."""
    return go_program("kstatus", packages=250)


def flux() -> Path:
    """Return a program that reads a Kustomization and resources, and writes what Flux makes of each; see main.go."""
    return go_program("flux", packages=600)
