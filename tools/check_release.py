"""`python -m tools.check_release TAG`: say whether the checkout may be released under a tag."""

import re
import sys

from tools.committed_files import REPOSITORY
from tools.generate_version import CHANGELOG, project_version


def obstacle(tag: str, version: str, changelog: str) -> str | None:
    """Why a checkout of this version cannot be released under this tag; None if it can."""
    if tag != f"v{version}":
        return f"the tag is {tag or 'missing'}, and the version of pyproject.toml is {version}"
    if not re.search(rf"(?m)^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog):
        return f"CHANGELOG.md has no section `## [{version}] - YEAR-MONTH-DAY`"
    return None


def main() -> int:
    version = project_version((REPOSITORY / "pyproject.toml").read_text())
    reason = obstacle(sys.argv[1] if len(sys.argv) > 1 else "", version, CHANGELOG.read_text())
    if reason is not None:
        sys.stderr.write(f"{reason}\n")
    return 0 if reason is None else 1


if __name__ == "__main__":
    sys.exit(main())
