"""The container image as `make image` builds it with buildah, on a Debian base that debootstrap makes."""

import json
import os
import re
import secrets
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcluster.images import OPERATOR_IMAGE, ImageError, ImageStore, open_store, pip_settings

CHECKOUT = Path(__file__).parents[2]
COMPILER = re.compile(
    r"(.+-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|clang\+\+|tcc|ld|ld\.(bfd|gold|lld)|as|collect2|cc1|rustc|go)(-\d+)?"
)

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import loadgen, loadtest_model, loadtest_operator
for package in (loadgen, loadtest_model, loadtest_operator):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
stale = [
    name for name, module in sys.modules.items()
    if (module.__spec__ and module.__spec__.cached and "/opt/loadtest/" in module.__spec__.cached)
    and open(module.__spec__.cached, "rb").read(8)[4:] != b"\\1\\0\\0\\0"
]
print(stale)
"""
LIST_DISTRIBUTIONS = """
import importlib.metadata, json
print(json.dumps({found.name: found.version for found in importlib.metadata.distributions()}))
"""

pytestmark = [
    pytest.mark.image,
    # The first test of the session pays for the base and the build.
    pytest.mark.timeout(900),
]


@dataclass(frozen=True, slots=True)
class Image:
    """The built image: config as OCI has it, a container made from it, and its files, unpacked under root."""

    store: ImageStore
    config: Mapping[str, Any]
    container: str
    root: Path
    canary: str
    """Was in the environment and in the package index's settings during the build."""

    def run(self, *command: str) -> str:
        return self.store.run("buildah", "run", self.container, "--", *command)

    def run_read_only(self, *command: str) -> str:
        """Run a command as the image's user on a root that cannot be written."""
        # buildah has no flag for it. The environment is the image's, with the home that container runtimes give.
        inner = (
            'root=$1 user=$2; shift 2; mount --bind "$root" "$root" && mount -o remount,bind,ro "$root" &&'
            ' exec chroot --userspec="$user" "$root" "$@"'
        )
        user = self.config["config"]["User"]
        environment = ["HOME=/", *self.config["config"]["Env"]]
        return self.store.run("sh", "-c", inner, "sh", str(self.root), user, "env", "-i", *environment, *command)


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The image that `make image` builds in a storage of its own, which is removed at the end."""
    canary = secrets.token_hex(16)
    trusted = f"{pip_settings().get('trusted-host', '')} {canary}.invalid".strip()
    with tempfile.TemporaryDirectory(prefix="loadtest-image-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOADTEST_CANARY", canary)
        patch.setenv("PIP_TRUSTED_HOST", trusted)
        try:
            store = open_store(Path(folder), report=print)
        except ImageError as error:
            pytest.skip(str(error))
        store.add_base()
        store.make(OPERATOR_IMAGE)
        config = json.loads(store.run("buildah", "inspect", "--type", "image", OPERATOR_IMAGE))["OCIv1"]
        container = store.run("buildah", "from", OPERATOR_IMAGE).strip()
        # A copy, since a mount ends with the command that makes it.
        root = Path(folder, "root")
        store.run("sh", "-c", 'cp -a "$(buildah mount "$1")" "$2"', "sh", container, str(root))
        yield Image(store, config, container, root, canary)


@pytest.mark.parametrize("program", ["loadgen", "loadtest-operator"])
def test_both_programs_in_the_image_tell_the_projects_version(image: Image, program: str) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert image.run(program, "--version") == f"{program} {project['version']}\n"


def test_the_image_runs_as_a_user_without_rights(image: Image) -> None:
    user, _, group = image.config["config"]["User"].partition(":")

    # As numbers, or the kubelet cannot tell that runAsNonRoot holds.
    assert int(user) > 0
    assert int(group) > 0
    assert image.run("id", "-u").strip() == user


def test_the_image_starts_the_operator_when_no_command_is_given(image: Image) -> None:
    assert image.config["config"]["Cmd"] == ["loadtest-operator", "run"]
    assert "Entrypoint" not in image.config["config"]


@pytest.mark.parametrize("program", ["loadgen", "loadtest-operator"])
def test_both_programs_run_on_a_read_only_root(image: Image, program: str) -> None:
    written = image.run_read_only("sh", "-c", "touch /tmp/written 2>/dev/null && echo yes || echo no")

    assert written == "no\n"
    assert image.run_read_only(program, "--version").startswith(program)


def test_every_module_loads_in_the_image_from_bytecode_that_no_file_time_makes_stale(image: Image) -> None:
    assert image.run_read_only("python", "-c", IMPORT_EVERYTHING) == "[]\n"


def test_the_image_holds_no_compiler(image: Image) -> None:
    found = [
        str(Path(folder, name).relative_to(image.root))
        for folder, _, names in os.walk(image.root)
        if Path(folder).name in {"bin", "sbin", "libexec"}
        for name in names
        if COMPILER.fullmatch(name)
    ]

    assert found == []


def test_the_programs_environment_holds_only_what_is_locked(image: Image) -> None:
    lock = (CHECKOUT / "requirements.lock").read_text()
    locked = set(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))

    listed = json.loads(image.run("python", "-c", LIST_DISTRIBUTIONS))

    installed = {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in listed.items()}
    assert {name for name, _ in installed - locked} == {"loadtest-operator"}
    # So these follow; they are named because a lock that went wrong would let them in.
    assert {name for name, _ in installed}.isdisjoint({"pip", "pytest", "setuptools"})


def test_the_image_holds_of_the_project_the_three_packages_only(image: Image) -> None:
    (own,) = image.root.glob("opt/loadtest/lib/python3*/site-packages/loadtest_operator-*.dist-info/RECORD")

    files = [line.partition(",")[0] for line in own.read_text().splitlines()]

    tops = {name.partition("/")[0] for name in files if not name.startswith("..")}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"loadgen", "loadtest_model", "loadtest_operator"}
    assert [name for name in files if name.startswith("..")] == [
        "../../../bin/loadgen",
        "../../../bin/loadtest-operator",
    ]
    assert [name for name in files if "tests" in Path(name).parts] == []
    assert "loadgen/records/pools.json" in files


def test_nothing_of_the_build_machine_reaches_the_image(image: Image) -> None:
    environment = dict(entry.split("=", 1) for entry in image.config["config"]["Env"])
    files = (path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink())

    assert environment == {
        "PATH": "/opt/loadtest/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert image.canary not in json.dumps(image.config)
    assert [path for path in files if image.canary.encode() in path.read_bytes()] == []
