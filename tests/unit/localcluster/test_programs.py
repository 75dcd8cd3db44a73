"""Programs that are there already are never built."""

import os
from pathlib import Path

import pytest

from localcluster.build import CONTROL_PLANE, built_path, find_programs, module_versions

MODULE = Path(__file__).resolve().parents[3] / "localcluster" / "controlplane"


def write_program(folder: Path, program: str, version: str = "v0.0.0") -> Path:
    """A program that says a version and can do nothing else."""
    folder.mkdir(exist_ok=True)
    path = folder / program
    path.write_text(f"#!/bin/sh\necho {program} {version}\n")
    path.chmod(0o755)
    return path


def fail_on_report(text: str) -> None:
    raise AssertionError(f"nothing was to be built, but: {text}")


async def test_programs_in_kubebuilder_assets_are_taken_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    paths = {program: write_program(assets, program) for program in CONTROL_PLANE}
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))

    programs = await find_programs(tmp_path, fail_on_report)

    assert dict(programs.paths) == paths
    assert programs.own_builds == frozenset()


async def test_programs_on_the_path_are_taken_in_their_right_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = module_versions((MODULE / "go.mod").read_text())
    kubernetes, etcd = versions["k8s.io/kubernetes"], versions["go.etcd.io/etcd/server/v3"]
    folder = tmp_path / "bin"
    paths = {
        program: write_program(folder, program, etcd if program == "etcd" else kubernetes) for program in CONTROL_PLANE
    }
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    programs = await find_programs(tmp_path, fail_on_report)

    assert dict(programs.paths) == paths


async def test_programs_built_earlier_are_found_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    versions = module_versions((MODULE / "go.mod").read_text())
    with pytest.raises(AssertionError, match="nothing was to be built"):
        await find_programs(tmp_path, fail_on_report)
    homes = {program: built_path(program, versions).parent for program in CONTROL_PLANE}
    for program, home in homes.items():
        assert home.is_relative_to(tmp_path)
        assert home.name.startswith(versions["k8s.io/kubernetes"])
        home.mkdir()
        write_program(home, program)

    programs = await find_programs(tmp_path, fail_on_report)

    assert programs.own_builds == frozenset(CONTROL_PLANE)
    assert set(programs.paths.values()) == {home / program for program, home in homes.items()}
