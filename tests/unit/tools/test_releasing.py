"""What a release is made from: a tag that is the version, a dated section, and a chart with the published image."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from loadtest_model.release import installed_version
from support.manifest_tools import helm
from tools.check_release import obstacle
from tools.pack_chart import with_image

REPOSITORY = Path(__file__).resolve().parents[3]
VALUES = (REPOSITORY / "charts" / "loadtest-operator" / "values.yaml").read_text()


def test_a_tag_of_the_version_with_a_dated_section_may_be_released() -> None:
    assert obstacle("v1.2.3", "1.2.3", "## [1.2.3] - 2026-12-01\n") is None


@pytest.mark.parametrize(
    ("tag", "changelog", "reason"),
    [
        ("v1.2.4", "## [1.2.3] - 2026-12-01\n", "the tag is v1.2.4"),
        ("", "## [1.2.3] - 2026-12-01\n", "the tag is missing"),
        ("v1.2.3", "## [1.2.3] - unreleased\n", "CHANGELOG.md has no section"),
        ("v1.2.3", "## [1.2.30] - 2026-12-01\n", "CHANGELOG.md has no section"),
    ],
)
def test_anything_else_may_not(tag: str, changelog: str, reason: str) -> None:
    assert (obstacle(tag, "1.2.3", changelog) or "").startswith(reason)


def test_the_packed_chart_installs_the_published_image(tmp_path: Path) -> None:
    image = f"registry.example:5000/team/loadtest-operator:{installed_version()}"
    helm("version")  # has it built where there is none
    command = [sys.executable, "-m", "tools.pack_chart", image, str(tmp_path)]
    subprocess.run(command, cwd=REPOSITORY, check=True, timeout=60, capture_output=True)

    manifests = helm("template", "loadtest-operator", f"{tmp_path}/loadtest-operator-{installed_version()}.tgz")

    assert f'image: "{image}"' in manifests or f"image: {image}" in manifests
    assert "loadtest-operator:dev" not in manifests


@pytest.mark.parametrize("image", ["loadtest-operator", "registry.example:5000/loadtest-operator"])
def test_an_image_without_a_tag_is_an_error(image: str) -> None:
    with pytest.raises(ValueError, match="has no tag"):
        with_image(VALUES, image)


def test_the_licence_reaches_package_and_image() -> None:
    licence = (REPOSITORY / "LICENSE").read_text()

    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "!LICENSE" in (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert " LICENSE " in (REPOSITORY / "Dockerfile").read_text()
    assert (REPOSITORY / "integrations" / "django" / "LICENSE").read_text() == licence


def test_the_build_of_the_image_copies_every_package_and_ignores_none_of_what_it_copies() -> None:
    copied = {
        source
        for line in (REPOSITORY / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from=" not in line
        for source in line.split()[1:-1]
    }
    offered = {line.removeprefix("!") for line in (REPOSITORY / ".dockerignore").read_text().splitlines()}
    build = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]

    assert {Path(package).parts[0] for package in build["targets"]["wheel"]["packages"]} <= copied
    assert copied <= offered
    assert all((REPOSITORY / source).exists() for source in copied)
