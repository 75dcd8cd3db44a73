"""Writes charts/install.yaml from the chart; with --check says whether it is up to date.

The check needs no helm: the file names the digests of what it was rendered from and of what was rendered. Where there
is a helm of the right version, it is rendered again and compared as well.
"""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.committed_files import REPOSITORY
from tools.go_programs import HELM

CHARTS: Final = REPOSITORY / "charts"
CHART: Final = CHARTS / "loadtest-operator"
FILE: Final = CHARTS / "install.yaml"
COPIES: Final = {
    CHART / "files" / "loadtests.yaml": REPOSITORY / "crds" / "loadtests.yaml",
    CHART / "files" / "alerts.yaml": REPOSITORY / "examples" / "prometheus" / "alerts.yaml",
}
"""Files that the chart needs within its folder, with the file that each is a copy of."""
RELEASE: Final = "loadtest-operator"
NAMESPACE: Final = "loadtest-system"

NAMESPACE_MANIFEST: Final = f"""\
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
---
"""


def main() -> int:
    if "--check" in sys.argv[1:]:
        return check()
    for copy, source in COPIES.items():
        copy.write_text(source.read_text())
    body = render(HELM.find_or_build())
    FILE.write_text(header(body) + body)
    return 0


def check() -> int:
    """0 if install.yaml and the chart's copies are what the sources give."""
    problem = ""
    head, body = split(FILE.read_text()) if FILE.exists() else ("", "")
    helm = HELM.find()
    outdated = [copy for copy, source in COPIES.items() if not copy.exists() or copy.read_text() != source.read_text()]
    if outdated:
        copy = outdated[0]
        problem = f"{CHART.name}/files/{copy.name} differs from {COPIES[copy].relative_to(REPOSITORY)}"
    elif head != header(body):
        problem = f"{FILE.name} was not rendered from the chart as it is"
    elif helm is not None and body != render(helm):
        problem = f"{FILE.name} differs from what helm renders"
    if not problem:
        return 0
    sys.stderr.write(f"{problem}; run `make generate` and commit the result\n")
    return 1


def header(body: str) -> str:
    return (
        f"# Rendered from {CHART.name} by `make generate`; change it there."
        " Install with: kubectl apply --server-side -f\n"
        f"# chart sha256:{chart_digest()}\n"
        f"# content sha256:{hashlib.sha256(body.encode()).hexdigest()}\n"
    )


def split(text: str) -> tuple[str, str]:
    """The header's three lines, and what follows them."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[:3]), "".join(lines[3:])


def chart_digest() -> str:
    """One digest of all files of the chart, with their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in CHART.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(CHART).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def render(program: Path) -> str:
    """What helm makes of the chart with its default values, after the namespace it goes into."""
    process = subprocess.run(  # noqa: S603 - a helm that was looked for by version
        [program, "template", RELEASE, str(CHART), "--namespace", NAMESPACE],
        check=True,
        capture_output=True,
        text=True,
    )
    return NAMESPACE_MANIFEST + process.stdout.removeprefix("---\n")


if __name__ == "__main__":
    sys.exit(main())
