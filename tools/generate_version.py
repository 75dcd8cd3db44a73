"""Writes the version of pyproject.toml wherever else it stands; with --check says where it differs.

The programs read the version of the installed package, so they need no copy.
"""

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

from tools.committed_files import REPOSITORY, write_or_check

CHANGELOG: Final = REPOSITORY / "CHANGELOG.md"
_VERSION: Final = r"[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*"
_IN_COMMANDS: Final = (
    rf"(/loadtest-operator:){_VERSION}",
    rf"(image\.tag=){_VERSION}",
    rf"( loadtest-operator ){_VERSION}",
)
PLACES: Final[dict[str, tuple[str, ...]]] = {
    "integrations/django/pyproject.toml": (rf'(?m)^(version = "){_VERSION}',),
    "charts/loadtest-operator/Chart.yaml": (rf"(?m)^((?:version|appVersion): ){_VERSION}",),
    "examples/kustomize/kustomization.yaml": (rf'(newTag: "){_VERSION}',),
    "README.md": _IN_COMMANDS,
    "docs/install.md": _IN_COMMANDS,
}


def project_version(pyproject: str) -> str:
    """The version that a pyproject.toml states."""
    version = tomllib.loads(pyproject)["project"]["version"]
    if not isinstance(version, str) or not re.fullmatch(_VERSION, version):
        raise ValueError(f"pyproject.toml: the version {version!r} is none that a chart can have (MAJOR.MINOR.PATCH)")
    return version


def with_version(text: str, patterns: tuple[str, ...], version: str) -> str:
    """The text with this version in every place that a pattern finds. Raises ValueError if there is no place."""
    places = 0
    for pattern in patterns:
        text, count = re.subn(pattern, rf"\g<1>{version}", text)
        places += count
    if places == 0:
        raise ValueError("states no version")
    return text


def has_section(changelog: str, version: str) -> bool:
    """Whether a changelog has a section for this version."""
    return re.search(rf"(?m)^## \[{re.escape(version)}\] - \S", changelog) is not None


def main() -> int:
    version = project_version((REPOSITORY / "pyproject.toml").read_text())
    status = 0
    for name, patterns in PLACES.items():
        file = Path(REPOSITORY, name)
        try:
            text = with_version(file.read_text(), patterns, version)
        except ValueError as error:
            sys.stderr.write(f"{name} {error}\n")
            return 1
        status |= write_or_check(file, text, f"the version {version} of pyproject.toml")
    if not has_section(CHANGELOG.read_text(), version):
        sys.stderr.write(f"CHANGELOG.md has no section `## [{version}] - DATE`, or `- unreleased` until then\n")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
