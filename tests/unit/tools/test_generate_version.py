"""The version stands in pyproject.toml alone; every other place follows it."""

import re
from pathlib import Path

import pytest

from loadtest_model.release import installed_version
from tools.generate_version import CHANGELOG, PLACES, has_section, project_version, with_version

REPOSITORY = Path(__file__).resolve().parents[3]
VERSION = project_version((REPOSITORY / "pyproject.toml").read_text())


@pytest.mark.parametrize("place", PLACES)
def test_a_new_version_reaches_every_place_where_the_present_one_stands(place: str) -> None:
    text = (REPOSITORY / place).read_text()

    renewed = with_version(text, PLACES[place], "9.8.7")

    assert with_version(text, PLACES[place], VERSION) == text
    assert "9.8.7" in renewed
    # What remains are statements about what a certain version did.
    assert re.findall(rf"(?<!of version )\b{re.escape(VERSION)}\b", renewed) == []


def test_a_place_that_states_no_version_is_an_error() -> None:
    with pytest.raises(ValueError, match="states no version"):
        with_version("name: loadtest-operator\n", PLACES["charts/loadtest-operator/Chart.yaml"], VERSION)


def test_a_version_that_no_chart_can_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="MAJOR"):
        project_version('[project]\nversion = "1.0"\n')


def test_the_programs_say_the_version_of_the_project() -> None:
    assert installed_version() == VERSION


def test_the_changelog_has_a_section_for_the_version() -> None:
    changelog = CHANGELOG.read_text()

    assert has_section(changelog, VERSION)
    assert not has_section(changelog, "9.8.7")
