"""Remove from an environment what neither program ever loads; the Dockerfile runs it with the environment's own Python.

Both programs are loaded as wholly as they can be before and after: the modules that they loaded before decide what
stays, and whatever fails to load after ends the build. See docs/adr/0025.
"""

import shutil
import subprocess
import sys
import sysconfig
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Final

PROGRAMS: Final = ("loadgen", "loadtest-operator")
OWN_PACKAGES: Final = (
    "kubectl_loadtest",
    "loadgen",
    "loadtest_control",
    "loadtest_live",
    "loadtest_model",
    "loadtest_operator",
)

ONLY_WHAT_LOADS: Final = (
    # The typed API, thousands of modules that are imported by name; the operator speaks JSON (docs/adr/0008).
    "kubernetes/client/api",
    "kubernetes/client/apis",
    "kubernetes/client/models",
    "kubernetes/aio/client/api",
    "kubernetes/aio/client/models",
    # A hundred locales, of which records have two.
    "faker/providers",
)
"""Folders whose modules are removed unless one of the programs loads them."""

NEVER_RUN: Final = (
    "**/tests",
    "kubernetes/**/*_test.py",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "numpy/random/lib",
)
"""Tests, and what other programs are built with."""

ONLY_READ_BY_BUILDERS: Final = frozenset({".a", ".c", ".f", ".f90", ".h", ".pxd", ".pxi", ".pyi", ".pyx"})
"""Suffixes of sources and of stubs of types."""


class TrimError(Exception):
    """Something that is loaded would be removed; the message names it."""


def load_everything() -> None:
    """Load all that the programs can: their modules, what the client imports on demand, and every provider."""
    for name in OWN_PACKAGES:
        package = import_module(name)
        for module in walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith(".__main__"):
                import_module(module.name)
    geography = import_module("loadtest_model.records.geography")
    providers = import_module("loadtest_model.records.providers")
    faking = import_module("loadgen.records.faking")
    for locale in geography.Locale:
        fakers = faking.Fakers(locale)
        for place in range(len(fakers.locales)):
            for provider in providers.PROVIDERS:
                getattr(fakers[place], provider)()


def loaded_files() -> set[Path]:
    """Return the files of all modules that a Python of its own has loaded with everything."""
    # -B: bytecode is compiled once nothing is left to remove.
    command = [sys.executable, "-B", __file__, "--loaded"]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603 - this file itself
    return {Path(line) for line in process.stdout.splitlines()}


def unneeded_files(packages: Path, loaded: set[Path]) -> set[Path]:
    """Return the files below `packages` that can go. Raises TrimError if a program loads one of them."""
    never_run_files = {file for pattern in NEVER_RUN for path in packages.glob(pattern) for file in _files(path)}
    never_run_files |= {file for file in _files(packages) if file.suffix in ONLY_READ_BY_BUILDERS}
    if wrong_files := sorted(never_run_files & loaded):
        raise TrimError(f"a program loads what would be removed: {', '.join(map(str, wrong_files))}")
    idle_modules = set()
    for folder in ONLY_WHAT_LOADS:
        modules = {file for file in _files(packages / folder) if file.suffix == ".py"}
        if not modules:
            raise TrimError(f"there is no {folder} any more: correct ONLY_WHAT_LOADS")
        idle_modules |= modules - loaded
    return never_run_files | idle_modules


def trim(environment: Path, packages: Path) -> None:
    """Remove what is not needed, and the commands of other packages."""
    for file in unneeded_files(packages, loaded_files()):
        file.unlink()
    for command in (environment / "bin").iterdir():
        if command.name not in PROGRAMS and not command.name.startswith("python"):
            command.unlink()
    # From the deepest on, so that a folder of empty folders goes too.
    for folder in sorted((path for path in packages.rglob("*") if path.is_dir()), reverse=True):
        if folder.name == "__pycache__":
            shutil.rmtree(folder)
        elif not any(folder.iterdir()):
            folder.rmdir()
    loaded_files()


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def _print_loaded() -> None:
    load_everything()
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    sys.stdout.writelines(f"{file}\n" for file in sorted(filter(None, files)))


if __name__ == "__main__":
    if sys.argv[1:] == ["--loaded"]:
        _print_loaded()
    else:
        trim(Path(sys.prefix), Path(sysconfig.get_path("purelib")))
