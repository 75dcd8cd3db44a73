"""The container images as `make` builds them with buildah, on a Debian base that debootstrap makes."""

import json
import os
import re
import secrets
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from example_server import UPLOAD_PATH
from loadtest_model.records.geography import Locale
from localcluster.images import (
    FAULTY_TARGET_IMAGE,
    OPERATOR_IMAGE,
    TARGET_IMAGE,
    ImageError,
    MachineError,
    base_archive,
    open_store,
    pip_settings,
)
from support.unpacked_images import UnpackedImage, unpack_image
from tools.trim_image import OWN_PACKAGES

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
CALL_EVERY_PROVIDER = """
import hashlib
from loadgen.records.faking import Fakers
from loadtest_model.records.geography import Locale
from loadtest_model.records.providers import PROVIDERS
made = []
for locale in Locale:
    fakers = Fakers(locale)
    for place in range(len(fakers.locales)):
        fakers[place].seed_instance(7)
        made += [repr(getattr(fakers[place], provider)()) for provider in PROVIDERS]
print(len(made), hashlib.sha256(repr(made).encode()).hexdigest())
"""
SPEAK_TO_AN_API_SERVER = """
import asyncio, os
from pathlib import Path
from aiohttp import web

async def answer(request):
    if request.headers.get("Authorization") != "Bearer abc":
        return web.json_response({"reason": "Unauthorized"}, status=401)
    if request.path.endswith("/forbidden"):
        return web.json_response({"reason": "Forbidden", "message": "no"}, status=403)
    if request.path.endswith("/missing"):
        return web.json_response({"reason": "NotFound"}, status=404)
    if request.method == "GET" and request.path.endswith("/pods"):
        return web.json_response({"items": [{"a": 1}], "metadata": {"resourceVersion": "1"}})
    return web.json_response({"method": request.method})

async def main():
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    os.environ["KUBECONFIG"] = "/tmp/kubeconfig"
    Path("/tmp/kubeconfig").write_text(
        'apiVersion: v1\\nkind: Config\\ncurrent-context: c\\n'
        'contexts: [{name: c, context: {cluster: c, user: u}}]\\nusers: [{name: u, user: {token: abc}}]\\n'
        'clusters: [{name: c, cluster: {server: "http://127.0.0.1:%d"}}]\\n' % runner.addresses[0][1])
    from loadtest_operator.cluster.api import PODS, Api, ApiError, PatchType
    from loadtest_operator.cluster.login import client_configuration, connection_info
    assert (await connection_info()).token == "abc"
    async with Api(await client_configuration()) as api:
        said = [await api.list(PODS), await api.get(PODS, "n", "there"), await api.get(PODS, "n", "missing")]
        said.append(await api.create(PODS, "n", {}))
        said.append(await api.patch(PODS, "n", "p", {}, PatchType.MERGE))
        await api.delete(PODS, "n", "p", "uid")
        try:
            await api.get(PODS, "n", "forbidden")
        except ApiError as error:
            said.append(str(error))
    await runner.cleanup()
    print(said)

asyncio.run(main())
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
class Built:
    """The image, what `make image` printed, and what was in the environment and in pip's settings meanwhile."""

    image: UnpackedImage
    output: str
    canary: str


@pytest.fixture(scope="module")
def built() -> Iterator[Built]:
    """The image that `make image` builds in a storage of its own, which is removed at the end."""
    canary = secrets.token_hex(16)
    trusted = f"{pip_settings().get('trusted-host', '')} {canary}.invalid".strip()
    with tempfile.TemporaryDirectory(prefix="loadtest-image-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOADTEST_CANARY", canary)
        patch.setenv("PIP_TRUSTED_HOST", trusted)
        try:
            store = open_store(Path(folder), report=print)
        except MachineError as error:
            pytest.skip(str(error))
        store.add_base()
        output = store.make(OPERATOR_IMAGE)
        yield Built(unpack_image(store, OPERATOR_IMAGE), output, canary)


@pytest.fixture
def image(built: Built) -> UnpackedImage:
    return built.image


@pytest.fixture(scope="module")
def target(built: Built) -> UnpackedImage:
    """The example target's image."""
    built.image.store.make(TARGET_IMAGE)
    return unpack_image(built.image.store, TARGET_IMAGE)


@pytest.fixture(scope="module")
def faulty_target(target: UnpackedImage) -> UnpackedImage:
    target.store.make(FAULTY_TARGET_IMAGE)
    return unpack_image(target.store, FAULTY_TARGET_IMAGE)


@contextmanager
def served(target: UnpackedImage, *command: str, **variables: str) -> Iterator[int]:
    """Serve a target's image on a port of 127.0.0.1, as a user that no image knows, until the block ends."""
    with target.running_process("71234:71234", *command, BIND="127.0.0.1:0", ALLOWED_HOSTS="*", **variables) as process:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if (listening := re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", line)) is not None:
                yield int(listening[1])
                return
        pytest.fail(f"the target ended:\n{printed}")


def added_megabytes(image: UnpackedImage) -> float:
    """The size of the files that an image has and its base has not."""
    with tarfile.open(base_archive(image.store.folder, print)) as base:
        names = {name.removeprefix("./") for name in base.getnames()}
    return sum((image.root / name).lstat().st_size for name in image.files() - names) / 1e6


@pytest.mark.parametrize("program", ["loadgen", "loadtest-operator"])
def test_both_programs_in_the_image_tell_the_projects_version(image: UnpackedImage, program: str) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert image.run(program, "--version") == f"{program} {project['version']}\n"


def test_the_image_runs_as_a_user_without_rights(image: UnpackedImage) -> None:
    user, _, group = image.config["config"]["User"].partition(":")

    # As numbers, or the kubelet cannot tell that runAsNonRoot holds.
    assert int(user) > 0
    assert int(group) > 0


def test_the_image_starts_the_operator_when_no_command_is_given(image: UnpackedImage) -> None:
    assert image.config["config"]["Cmd"] == ["loadtest-operator", "run"]
    assert "Entrypoint" not in image.config["config"]


@pytest.mark.parametrize("program", ["loadgen", "loadtest-operator"])
def test_both_programs_run_on_a_read_only_root(image: UnpackedImage, program: str) -> None:
    written = image.run("sh", "-c", "touch /tmp/written 2>/dev/null && echo yes || echo no")

    assert written == "no\n"
    assert image.run(program, "--version").startswith(program)


def test_every_module_loads_in_the_image_from_bytecode_that_no_file_time_makes_stale(image: UnpackedImage) -> None:
    assert image.run("python", "-c", IMPORT_EVERYTHING) == "[]\n"


def test_the_image_holds_no_compiler(image: UnpackedImage) -> None:
    found = [
        str(Path(folder, name).relative_to(image.root))
        for folder, _, names in os.walk(image.root)
        if Path(folder).name in {"bin", "sbin", "libexec"}
        for name in names
        if COMPILER.fullmatch(name)
    ]

    assert found == []


def test_the_programs_environment_holds_only_what_is_locked(image: UnpackedImage) -> None:
    lock = (CHECKOUT / "requirements.lock").read_text()
    locked = set(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))

    listed = json.loads(image.run("python", "-c", LIST_DISTRIBUTIONS))

    installed = {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in listed.items()}
    assert {name for name, _ in installed - locked} == {"loadtest-operator"}
    # So these follow; they are named because a lock that went wrong would let them in.
    assert {name for name, _ in installed}.isdisjoint({"pip", "pytest", "setuptools"})


def test_the_image_holds_of_the_project_its_packages_and_programs_only(image: UnpackedImage) -> None:
    (own,) = image.root.glob("opt/loadtest/lib/python3*/site-packages/loadtest_operator-*.dist-info/RECORD")

    files = [line.partition(",")[0] for line in own.read_text().splitlines()]

    tops = {name.partition("/")[0] for name in files if not name.startswith("..")}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(OWN_PACKAGES)
    assert [name for name in files if name.startswith("..")] == [
        "../../../bin/kubectl-loadtest",
        "../../../bin/kubectl_complete-loadtest",
        "../../../bin/loadgen",
        "../../../bin/loadtest-operator",
    ]
    assert [name for name in files if "tests" in Path(name).parts] == []
    assert "loadgen/records/pools.json" in files


def test_nothing_of_the_build_machine_reaches_the_image(built: Built) -> None:
    image = built.image
    environment = dict(entry.split("=", 1) for entry in image.config["config"]["Env"])
    files = (path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink())

    assert environment == {
        "PATH": "/opt/loadtest/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    assert built.canary not in json.dumps(image.config)
    assert [path for path in files if built.canary.encode() in path.read_bytes()] == []


def test_the_image_adds_no_more_than_120_mb_to_its_base_and_make_says_how_much(built: Built) -> None:
    added = added_megabytes(built.image)

    stated = re.search(rf"^{OPERATOR_IMAGE}: (\d+) MB over its base$", built.output, re.MULTILINE)
    assert stated is not None
    # What is stated counts folders too.
    assert added <= int(stated[1]) <= added + 5
    assert int(stated[1]) <= 120


def test_every_provider_gives_in_the_image_what_it_gives_with_the_whole_of_faker(image: UnpackedImage) -> None:
    whole = subprocess.run([sys.executable, "-c", CALL_EVERY_PROVIDER], capture_output=True, text=True, check=True)

    assert image.run("python", "-c", CALL_EVERY_PROVIDER) == whole.stdout


@pytest.mark.parametrize("locale", tuple(Locale))
def test_records_of_each_locale_are_made_in_the_image(image: UnpackedImage, locale: str) -> None:
    command = ("loadgen", "sample", "--rows", "40", "--locale", locale, "--field", "employer=faker:company")

    header, *rows = image.run(*command).splitlines()

    assert header.endswith(",employer")
    assert len(rows) == 40
    assert all(not row.endswith(",") for row in rows)


def test_the_operator_in_the_image_speaks_to_an_api_server(image: UnpackedImage) -> None:
    said = image.run("python", "-c", SPEAK_TO_AN_API_SERVER, tmp=True)

    methods = [{"method": "GET"}, None, {"method": "POST"}, {"method": "PATCH"}]
    assert said.strip() == str([[{"a": 1}], *methods, "403 Forbidden: no"])


def test_each_command_of_loadgen_works_in_the_image_on_the_example_targets_image(
    image: UnpackedImage, target: UnpackedImage
) -> None:
    with served(target) as port:
        url = f"http://127.0.0.1:{port}{UPLOAD_PATH}"
        load = ("--url", url, "--batch-size", "100", "--records", "500", "--virtual-users", "1")

        verified = json.loads(image.run("loadgen", "verify", "--url", url, "--json"))
        # On a busy machine it may doubt its own times (2), which is no matter of the image.
        run = ("sh", "-c", '"$@" || test $? = 2', "sh", "loadgen", "run", "custom", *load, "--out", "/tmp/results")
        ran = image.run(*run, tmp=True)
        exported = image.run("loadgen", "export", "k6", "custom", *load)

        assert verified["level"] == "Echoed"
        assert "500 confirmed of 500 sent" in ran
        assert url in exported
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/clients/count/", timeout=30) as answer:
            assert json.loads(answer.read()) == {"count": 0}


@pytest.mark.parametrize(
    ("command", "said"),
    [("loadgen pod", "LOADTEST_PLAN is missing"), ("loadtest-operator run", "LOADTEST_IMAGE is not set")],
)
def test_what_a_program_of_the_cluster_lacks_is_said_in_the_image(
    image: UnpackedImage, command: str, said: str
) -> None:
    with pytest.raises(ImageError, match=said):
        image.run(*command.split())


def test_the_faulty_targets_image_has_its_fault(image: UnpackedImage, faulty_target: UnpackedImage) -> None:
    command = [*faulty_target.config["config"]["Cmd"][:-1], "faulty_target.wsgi"]

    with served(faulty_target, *command, FAULT="ignores-header") as port:
        url = f"http://127.0.0.1:{port}{UPLOAD_PATH}"
        with pytest.raises(ImageError, match="LoadTestHeaderIgnored"):
            image.run("loadgen", "verify", "--url", url)


def test_the_example_targets_image_holds_only_what_is_locked(target: UnpackedImage) -> None:
    lock = (CHECKOUT / "examples/django_target/requirements.lock").read_text()
    locked = set(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))

    listed = json.loads(target.run("python", "-c", LIST_DISTRIBUTIONS))

    assert {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in listed.items()} <= locked
    assert int(target.config["config"]["User"].partition(":")[0]) > 0


def test_the_lock_of_the_example_target_holds_what_the_tests_run_with() -> None:
    example = (CHECKOUT / "examples/django_target/requirements.lock").read_text()
    tested = (CHECKOUT / "requirements-dev.lock").read_text()

    pinned = re.findall(r"^([\w.-]+==[^\s;]+)", example, re.MULTILINE)

    assert pinned
    assert [pin for pin in pinned if pin not in tested] == []
