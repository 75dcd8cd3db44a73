"""Kubernetes' programs: found on this machine, or built from the Go modules beside this file.

A program comes from $KUBEBUILDER_ASSETS, else from PATH if its version fits, else from a cache of the user's
that is filled at the first use.
"""

import asyncio
import hashlib
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster.go import BuildError, Report, cache_directory, cache_lock, find_go, output_of, process_group

MODULE = Path(__file__).with_name("controlplane")
# CoreDNS asks for other versions of what the control plane is built from.
_SEPARATE_MODULES = {"coredns": Path(__file__).with_name("coredns")}
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
# What the cluster with real containers runs: its controllers are the whole set.
WHOLE_CLUSTER = (
    "etcd",
    "kube-apiserver",
    "all-controllers",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "pause",
    "coredns",
)
# How many packages a build from an empty cache compiles, by the program that needs the most of them.
# Only the progress line uses this.
_PACKAGES = {
    "etcd": 600,
    "kube-apiserver": 2250,
    "kube-controller-manager": 1450,
    "all-controllers": 2450,
    "kube-scheduler": 1700,
    "kube-proxy": 1300,
    "kubelet": 2500,
    "pause": 50,
    "coredns": 900,
}

# Without optimization a package is compiled sooner, and these are large and seldom run; optimizing everything
# made the first build longer, optimizing nothing nearly doubled the API server's CPU time, and this did not.
_COMPILER_FLAGS = (
    "all=-dwarf=false",
    "k8s.io/kubernetes/...=-N -l -dwarf=false",
    "k8s.io/client-go/...=-N -l -dwarf=false",
)
# The compiler's own garbage collection took an eighth of its time; the limit keeps its largest runs small.
_COMPILER_MEMORY = {"GOGC": "400", "GOMEMLIMIT": "1GiB"}


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are. own_builds: those that were built from the module beside this file."""

    paths: Mapping[str, Path]
    own_builds: frozenset[str]


def module_versions(go_mod: str) -> dict[str, str]:
    """Return the versions that a go.mod asks for: of Go as "go", of each required module by its path."""
    go = re.search(r"^go (\S+)$", go_mod, re.MULTILINE)
    required = re.findall(r"^\s+(\S+) (v\S+)", go_mod, re.MULTILINE)
    return {"go": go[1] if go else "", **dict(required)}


def version_fits(program: str, output: str, versions: Mapping[str, str]) -> bool:
    """Return whether a program's --version output shows the minor version that the module would build."""
    version = versions["go.etcd.io/etcd/server/v3" if program == "etcd" else "k8s.io/kubernetes"]
    match = re.search(r"v?(\d+\.\d+)\.\d+", output)
    return match is not None and version.removeprefix("v").startswith(match[1] + ".")


async def find_programs(work_dir: Path, report: Report, names: Sequence[str] = CONTROL_PLANE) -> Programs:
    """Return the programs of these names, building what is missing; work_dir takes the build's temporary files.

    Cancelling ends the build and every process of it.
    """
    versions = _versions()
    paths = await _installed_programs(versions, names)
    unavailable = [program for program in names if program not in paths]
    if unavailable:
        build_paths = {program: built_path(program, versions) for program in unavailable}
        cache = _cache()
        cache.mkdir(parents=True, exist_ok=True)
        async with cache_lock(cache, report):
            unbuilt = [program for program in unavailable if not build_paths[program].exists()]
            for module in dict.fromkeys(map(_module_of, unbuilt)):
                module_programs = {
                    program: build_paths[program] for program in unbuilt if _module_of(program) == module
                }
                await _build(module, module_programs, versions, work_dir, report)
        paths |= build_paths
    return Programs(paths, frozenset(unavailable))


async def fetch_modules() -> None:
    """Fetch what a build will need, if one will be needed and Go is at hand; a failure shows when it is built."""
    versions = _versions()
    installed = await _installed_programs(versions, CONTROL_PLANE)
    go = shutil.which("go")
    if go is None or all(program in installed or built_path(program, versions).exists() for program in CONTROL_PLANE):
        return
    async with process_group([go, "mod", "download"], MODULE, {**os.environ, "GOTOOLCHAIN": "local"}) as process:
        await process.communicate()


def _versions() -> dict[str, str]:
    return module_versions((MODULE / "go.mod").read_text(encoding="utf-8"))


def _cache() -> Path:
    return cache_directory() / "controlplane"


def built_path(program: str, versions: Mapping[str, str]) -> Path:
    """Return where a program lies once it has been built, by what it is built from."""
    return _cache() / f"{versions['k8s.io/kubernetes']}-{_fingerprint(program)}" / program


async def _installed_programs(versions: Mapping[str, str], names: Sequence[str]) -> dict[str, Path]:
    paths = {program: await _installed_program(program, versions) for program in names}
    return {program: path for program, path in paths.items() if path is not None}


async def _installed_program(program: str, versions: Mapping[str, str]) -> Path | None:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and (Path(assets) / program).exists():
        return Path(assets) / program
    on_path = shutil.which(program)
    if on_path and version_fits(program, await output_of(on_path, "--version"), versions):
        return Path(on_path)
    return None


def _module_of(program: str) -> Path:
    return _SEPARATE_MODULES.get(program, MODULE)


def _fingerprint(program: str) -> str:
    digest = hashlib.sha256()
    module = _module_of(program)
    for path in (module / "go.mod", module / "go.sum", *sorted((module / program).iterdir())):
        digest.update(str(path.relative_to(module)).encode() + b"\0" + path.read_bytes())
    digest.update(os.uname().machine.encode())
    return digest.hexdigest()[:12]


async def _build(
    module: Path, programs: Mapping[str, Path], versions: Mapping[str, str], work_dir: Path, report: Report
) -> None:
    go = await find_go(versions["go"], report)
    new = _cache() / f".new-{os.getpid()}"
    new.mkdir()
    temporary = work_dir / "go-tmp"
    temporary.mkdir()
    version = versions["k8s.io/kubernetes"]
    major, minor, _ = version.removeprefix("v").split(".")
    package = "k8s.io/component-base/version"
    version_variables = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    linker_flags = " ".join(["-s -w", *(f"-X {package}.{key}={value}" for key, value in version_variables.items())])
    command = [str(go), "build", "-v", "-trimpath", "-buildvcs=false", "-mod=readonly"]
    command += [*(f"-gcflags={flags}" for flags in _COMPILER_FLAGS), f"-ldflags={linker_flags}", "-o", f"{new}/"]
    command += [f"./{program}" for program in programs]
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOTMPDIR": str(temporary), "GOFLAGS": ""}
    env = {**os.environ, **settings, **_COMPILER_MEMORY}
    try:
        await _run_go(command, module, env, max(_PACKAGES[program] for program in programs), report)
        for program, home in programs.items():
            home.parent.mkdir(parents=True, exist_ok=True)
            (new / program).rename(home)
    finally:
        shutil.rmtree(new)
        shutil.rmtree(temporary)


async def _run_go(command: Sequence[str], module: Path, env: Mapping[str, str], packages: int, report: Report) -> None:
    loop = asyncio.get_running_loop()
    start_seconds = loop.time()
    subject = "CoreDNS" if module != MODULE else "the control plane"
    async with process_group(command, module, env) as process:
        assert process.stderr is not None
        downloaded = compiled = 0
        output: list[str] = []
        async for raw in process.stderr:
            line = raw.decode(errors="replace").rstrip()
            if line.startswith("go: downloading"):
                downloaded += 1
            elif re.fullmatch(r"[\w./-]+", line):
                compiled += 1
            else:
                output.append(line)
            seconds = int(loop.time() - start_seconds)
            progress = f"{compiled} of about {packages} packages" if compiled else f"{downloaded} modules fetched"
            report(f"building {subject}, once: {progress}, {seconds // 60} min {seconds % 60:02} s")
        if await process.wait() != 0:
            raise BuildError("go build failed:\n" + "\n".join(output[-20:]))
