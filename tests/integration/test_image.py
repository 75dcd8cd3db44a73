"""The container image as `make image` builds it with buildah, on a Debian base that debootstrap makes."""

import ast
import configparser
import json
import os
import platform
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcluster.build import cache_directory

CHECKOUT = Path(__file__).parents[2]
SUITE = "trixie"
BASE_PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates")
BASE_IMAGE = "localhost/loadtest-base:test"
IMAGE = "localhost/loadtest-operator:test"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
# What of pip's settings says where packages come from and how they are reached.
INDEX_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "retries", "timeout", "default-timeout")
# What a base image needs not hold when Python programs are all that runs in it.
LEFT_OUT = (
    "./dev/*",
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./usr/share/doc/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
)
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


def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """Run a command that must succeed, with its mounts its own, and return its standard output."""
    # A mount that an interrupted command leaves behind ends with it, and removing its folder reaches no mounted one.
    done = subprocess.run(
        ["unshare", "--mount", *command], cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def install_missing(programs: Sequence[str]) -> None:
    """Install what is not there of programs, each named as its Debian package, or skip with the reason."""
    missing = [name for name in programs if shutil.which(name) is None]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        pytest.skip(f"there is no {' and no '.join(missing)}, and no apt-get to install it")
    apt = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "--quiet", "--yes"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # debootstrap only suggests the keys that it checks Debian with.
    install = [*apt, "install", "--no-install-recommends", *missing, "debian-archive-keyring"]
    # The lists of packages may be missing or too old; they are fetched only then.
    for command in (install, [*apt, "update"], install):
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        if command is install and done.returncode == 0:
            return
    pytest.skip(f"{' and '.join(missing)} cannot be installed: {done.stderr.strip()[-500:]}")


def base_archive(work: Path) -> Path:
    """Return the base's file system as a tar archive, from this user's cache where it has been made before."""
    archive = cache_directory() / "image" / f"{SUITE}-{platform.machine()}-{'-'.join(BASE_PACKAGES)}.tar.gz"
    if not archive.exists():
        root = work / "base"
        run(["debootstrap", "--variant=minbase", f"--include={','.join(BASE_PACKAGES)}", SUITE, str(root)])
        excluded = [f"--exclude={pattern}" for pattern in LEFT_OUT]
        archive.parent.mkdir(parents=True, exist_ok=True)
        # Under another name until it is whole: neither an interrupted nor a second run may leave half an archive.
        partial = archive.with_suffix(f".{os.getpid()}")
        try:
            run(
                [
                    "tar",
                    f"--directory={root}",
                    "--create",
                    "--use-compress-program=gzip -1",
                    f"--file={partial}",
                    *excluded,
                    ".",
                ]
            )
            partial.rename(archive)
        finally:
            partial.unlink(missing_ok=True)
    return archive


def pip_settings() -> dict[str, str]:
    """Return this machine's settings of pip that name the package index, whether from files or the environment."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, str] = {}
    # The environment comes last: it counts more than the files.
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in INDEX_SETTINGS:
            found[name] = str(ast.literal_eval(value))
    return found


def machine_certificates() -> Path | None:
    """Return the file of authorities that this machine's programs trust, if there is one."""
    named = [os.environ.get(name) for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    candidates = [*named, ssl.get_default_verify_paths().cafile, CERTIFICATES]
    return next((Path(path) for path in candidates if path and Path(path).is_file()), None)


def build_flags(work: Path, canary: str) -> str:
    """Return the flags by which the build reaches the package index just as this machine does."""
    config = configparser.RawConfigParser()
    config["global"] = pip_settings()
    flags = ["--network host", f"-v {work}/pip.conf:/etc/pip.conf:ro"]
    if (certificates := machine_certificates()) is not None:
        shutil.copyfile(certificates, work / "certificates.pem")
        config["global"]["cert"] = CERTIFICATES
        flags.append(f"-v {work}/certificates.pem:{CERTIFICATES}:ro")
    with (work / "pip.conf").open("x") as file:
        file.write(f"# {canary}\n")
        config.write(file)
    return " ".join(flags)


@dataclass(frozen=True, slots=True)
class Image:
    """The built image: config as OCI has it, and a container made from it, whose files lie under root."""

    config: Mapping[str, Any]
    container: str
    root: Path
    env: Mapping[str, str]
    canary: str
    """Was in the environment and in the package index's settings during the build."""

    def run(self, *command: str) -> str:
        return run(["buildah", "run", self.container, "--", *command], self.env)

    def run_read_only(self, *command: str) -> str:
        """Run a command as the image's user on a root that cannot be written."""
        # buildah has no flag for it. The environment is the image's, with the home that container runtimes give.
        inner = (
            'root=$1 user=$2; shift 2; mount --bind "$root" "$root" && mount -o remount,bind,ro "$root" &&'
            ' exec chroot --userspec="$user" "$root" "$@"'
        )
        user = self.config["config"]["User"]
        environment = ["HOME=/", *self.config["config"]["Env"]]
        return run(["sh", "-c", inner, "sh", str(self.root), user, "env", "-i", *environment, *command])


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The image that `make image` builds in a storage of its own, which is removed at the end."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("making the base image needs Linux and root")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("making the base image needs the right to mount")
    install_missing(("buildah", "debootstrap"))
    canary = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="loadtest-image-") as folder:
        work = Path(folder)
        (work / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{work}/storage"\nrunroot = "{work}/run"\n'
        )
        env = {
            **os.environ,
            "CONTAINERS_STORAGE_CONF": str(work / "storage.conf"),
            "STORAGE_DRIVER": "vfs",
            "BUILDAH_ISOLATION": "chroot",
            "TMPDIR": folder,
            "LOADTEST_CANARY": canary,
        }
        # Of a make that runs the tests, nothing is for the one that is tested.
        env = {name: value for name, value in env.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
        empty = run(["buildah", "from", "scratch"], env).strip()
        run(["buildah", "add", "--quiet", empty, str(base_archive(work)), "/"], env)
        run(["buildah", "commit", "--quiet", "--rm", empty, BASE_IMAGE], env)
        flags = build_flags(work, canary)
        run(["make", "image", f"PYTHON_IMAGE={BASE_IMAGE}", f"IMAGE={IMAGE}", f"IMAGE_FLAGS={flags}"], env)
        config = json.loads(run(["buildah", "inspect", "--type", "image", IMAGE], env))["OCIv1"]
        container = run(["buildah", "from", IMAGE], env).strip()
        root = Path(run(["buildah", "mount", container], env).strip())
        yield Image(config=config, container=container, root=root, env=env, canary=canary)


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
