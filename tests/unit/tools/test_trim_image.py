"""What the image's build removes from the environment of the programs."""

from pathlib import Path

import pytest

from tools.trim_image import ONLY_WHAT_LOADS, TrimError, unneeded_files


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """An environment's packages, with one idle module in each folder of which only what loads stays."""
    for folder in ONLY_WHAT_LOADS:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "idle.py").touch()
    return tmp_path


def add_file(packages: Path, name: str) -> Path:
    path = packages / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_of_the_clients_models_those_that_are_loaded_stay(packages: Path) -> None:
    loaded_file = add_file(packages, "kubernetes/client/models/v1_object_meta.py")

    removed_files = unneeded_files(packages, {loaded_file})

    assert removed_files == {packages / folder / "idle.py" for folder in ONLY_WHAT_LOADS}


def test_data_beside_modules_that_go_stays(packages: Path) -> None:
    data = add_file(packages, "faker/providers/names.json")

    assert data not in unneeded_files(packages, set())


@pytest.mark.parametrize("name", ["numpy/linalg/tests/test_linalg.py", "numpy/f2py/rules.py", "aiohttp/_parser.pyx"])
def test_tests_and_what_builds_other_programs_go(packages: Path, name: str) -> None:
    file = add_file(packages, name)

    assert file in unneeded_files(packages, set())


@pytest.mark.parametrize("name", ["numpy/f2py/rules.py", "certifi/tests/__init__.py"])
def test_a_module_that_would_go_but_is_loaded_is_named(packages: Path, name: str) -> None:
    file = add_file(packages, name)

    with pytest.raises(TrimError, match=name):
        unneeded_files(packages, {file})


def test_a_folder_that_a_new_version_of_a_package_has_no_more_is_named(packages: Path) -> None:
    (packages / "kubernetes/client/apis/idle.py").unlink()

    with pytest.raises(TrimError, match="kubernetes/client/apis"):
        unneeded_files(packages, set())
