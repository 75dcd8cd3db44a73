"""The Go programs that rendering and testing the manifests needs: found on this machine, or built from their modules.

What is built stays in this user's cache; it takes some minutes, once for each version.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Tool:
    """A program, its module and version; `version_arguments` make it print its version."""

    name: str
    module: str
    version: str
    version_arguments: tuple[str, ...]

    def find(self) -> Path | None:
        """The program in the right minor version: on the PATH, or one built earlier."""
        for candidate in (shutil.which(self.name), str(cache() / self.name)):
            if candidate is None or not Path(candidate).exists():
                continue
            process = subprocess.run([candidate, *self.version_arguments], check=False, capture_output=True, text=True)  # noqa: S603
            # What `go install` makes may know no more of its version than the minor one.
            if re.match(rf"{re.escape(self.version.rsplit('.', 1)[0])}(\.|\+|$)", process.stdout.strip()):
                return Path(candidate)
        return None

    def find_or_build(self, go: str | None = None) -> Path:
        """The program, built if there is none yet; `go` is the Go to build it with, by default the one on the PATH."""
        cache().mkdir(parents=True, exist_ok=True)
        with (cache() / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            return self.find() or self._build(go or shutil.which("go"))

    def _build(self, go: str | None) -> Path:
        if go is None:
            raise SystemExit(f"neither {self.name} {self.version} nor go is on the PATH; one of them is needed")
        sys.stderr.write(f"building {self.name} {self.version}; this takes some minutes\n")
        settings = {"GOBIN": str(cache()), "CGO_ENABLED": "0", "GOFLAGS": ""}
        command = [go, "install", f"{self.module}@{self.version}"]
        subprocess.run(command, check=True, env={**os.environ, **settings})  # noqa: S603
        return cache() / self.name


HELM: Final = Tool("helm", "helm.sh/helm/v4/cmd/helm", "v4.3.1", ("version", "--short"))
KUSTOMIZE: Final = Tool("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", "v5.8.1", ("version",))


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "loadtest-operator" / "bin"
