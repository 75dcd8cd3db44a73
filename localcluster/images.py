"""The project's container images, made on this machine by `make` with buildah, on a Debian base of debootstrap's.

No image registry is needed: the base comes from Debian's archive, and the images leave as archives. It needs
Linux and root. This user's cache keeps the base; the images themselves live in a folder that the caller gives.
"""

import ast
import configparser
import os
import platform
import shutil
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster.go import BuildError, Report, cache_directory
from localcluster.packages import PackageError, install_missing

REPOSITORY = Path(__file__).resolve().parents[1]
OPERATOR_IMAGE = "loadtest-operator:dev"
TARGET_IMAGE = "django-target:dev"
FAULTY_TARGET_IMAGE = "django-target:test"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

_MAKE_TARGETS = {OPERATOR_IMAGE: "image", TARGET_IMAGE: "target-image", FAULTY_TARGET_IMAGE: "faulty-target-image"}
_SUITE = "trixie"
_BASE_IMAGE = "localhost/loadtest-base:local"
_BASE_PACKAGES = ("python3", "python3-venv", "python3-pip", "ca-certificates")
# What a base image needs not hold when Python programs are all that runs in it.
_EXCLUDED_PATTERNS = (
    "./dev/*",
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./usr/share/doc/*",
    "./usr/share/locale/*",
    "./usr/share/man/*",
)
# What of pip's settings says where packages come from and how they are reached.
_INDEX_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "retries", "timeout", "default-timeout")
_ERROR_LINES = 60


class ImageError(BuildError):
    """An image cannot be made; the message says why."""


class MachineError(ImageError):
    """This machine makes no images; the message says what it lacks."""


@dataclass(frozen=True, slots=True)
class ImageStore:
    """buildah's images, in a folder of their own that the caller removes; `env` is what buildah finds them by."""

    folder: Path
    report: Report
    env: Mapping[str, str]

    def make(self, image: str) -> str:
        """Make one of the project's images as `make` does for anybody, and return what it printed.

        The base, and for the faulty target the example target's image, must be there already.
        """
        settings = [f"PYTHON_IMAGE={_BASE_IMAGE}", f"IMAGE_FLAGS={_build_flags(self.folder)}"]
        return self.run("make", _MAKE_TARGETS[image], *settings, topic=f"building the image {image}")

    def export(self, image: str, archive: Path) -> None:
        """Write an image as `docker save` would, under the name by which a kubelet asks for it.

        Such an archive has uncompressed layers, which for a reader on the same machine takes a quarter of the time.
        """
        self.run("buildah", "push", "--quiet", image, f"docker-archive:{archive}:docker.io/library/{image}")

    def add_base(self) -> None:
        """Put the base image into the store."""
        container = self.run("buildah", "from", "scratch").strip()
        self.run("buildah", "add", "--quiet", container, str(base_archive(self.folder, self.report)), "/")
        self.run("buildah", "commit", "--quiet", "--rm", container, _BASE_IMAGE)

    def run(self, *command: str, topic: str = "") -> str:
        """Run a command on the store and return what it printed; with a topic, its lines are reported as they come.

        Raises ImageError if it fails.
        """
        return _run(command, self.env, self.report if topic else None, topic)


def open_store(folder: Path, report: Report) -> ImageStore:
    """Return a store without images in an empty folder; raise MachineError if this machine cannot build any."""
    _check_machine()
    # overlay copies nothing; vfs, which works everywhere, copies each layer whole for every container and image.
    driver = "overlay" if _can_overlay(folder) else "vfs"
    settings = folder / "storage.conf"
    settings.write_text(f'[storage]\ndriver = "{driver}"\ngraphroot = "{folder}/storage"\nrunroot = "{folder}/run"\n')
    # Of a make that this process may have been started by, nothing is for the one that builds.
    inherited = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    store_settings = {
        "CONTAINERS_STORAGE_CONF": str(settings),
        "STORAGE_DRIVER": driver,
        "BUILDAH_ISOLATION": "chroot",
        "TMPDIR": str(folder),
    }
    return ImageStore(folder, report, {**inherited, **store_settings})


def make_images(folder: Path, report: Report, images: Sequence[str] = tuple(_MAKE_TARGETS)) -> dict[str, Path]:
    """Make the project's images in an empty folder, and return an archive of each by the image's name.

    The faulty target comes after the example target, whose image it begins with. Raises ImageError if one
    cannot be made.
    """
    store = open_store(folder, report)
    store.add_base()
    archives = {image: folder / f"{image.replace(':', '-')}.tar" for image in images}
    for image, archive in archives.items():
        store.make(image)
        store.export(image, archive)
    return archives


def _check_machine() -> None:
    """Install what builds the images, if it is missing; raise MachineError if this machine cannot build them."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise MachineError("making images needs Linux and root")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        raise MachineError("making images needs the right to mount")
    try:
        # debootstrap only suggests the keys that it checks Debian with.
        install_missing(("buildah", "debootstrap", "make"), also=("debian-archive-keyring",))
    except PackageError as error:
        raise MachineError(str(error)) from error


def base_archive(folder: Path, report: Report) -> Path:
    """Return the base's file system as a tar archive, from this user's cache where it has been made before.

    `folder` takes the temporary files of its making.
    """
    archive = cache_directory() / "image" / f"{_SUITE}-{platform.machine()}-{'-'.join(_BASE_PACKAGES)}.tar.gz"
    if archive.exists():
        return archive
    root = folder / "base"
    packages = ",".join(_BASE_PACKAGES)
    topic = "making the base of the images, once"
    _run(["debootstrap", "--variant=minbase", f"--include={packages}", _SUITE, str(root)], os.environ, report, topic)
    excluded = [f"--exclude={pattern}" for pattern in _EXCLUDED_PATTERNS]
    archive.parent.mkdir(parents=True, exist_ok=True)
    # Under another name until it is whole: neither an interrupted nor a second run may leave half an archive.
    partial = archive.with_suffix(f".{os.getpid()}")
    pack_command = ["tar", f"--directory={root}", "--create", "--use-compress-program=gzip -1", f"--file={partial}"]
    try:
        _run([*pack_command, *excluded, "."], os.environ)
        partial.rename(archive)
    finally:
        partial.unlink(missing_ok=True)
        shutil.rmtree(root)
    return archive


def pip_settings() -> dict[str, str]:
    """Return this machine's settings of pip that name the package index, whether from files or the environment."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    settings: dict[str, str] = {}
    # The environment comes last: it counts more than the files.
    for line in sorted(listing.splitlines(), key=lambda line: line.startswith(":env:")):
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2]
        if name in _INDEX_SETTINGS:
            settings[name] = str(ast.literal_eval(value))
    return settings


def machine_certificates() -> Path | None:
    """Return the file of authorities that this machine's programs trust, if there is one."""
    configured = [os.environ.get(name) for name in ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")]
    candidates = [*configured, ssl.get_default_verify_paths().cafile, CERTIFICATES]
    return next((Path(path) for path in candidates if path and Path(path).is_file()), None)


def _build_flags(folder: Path) -> str:
    """Return the flags by which a build reaches the package index just as this machine does."""
    config = configparser.RawConfigParser()
    config["global"] = pip_settings()
    settings = folder / "pip.conf"
    flags = ["--network host", f"-v {settings}:/etc/pip.conf:ro"]
    if (certificates := machine_certificates()) is not None:
        copy = shutil.copyfile(certificates, folder / "certificates.pem")
        config["global"]["cert"] = CERTIFICATES
        flags.append(f"-v {copy}:{CERTIFICATES}:ro")
    with settings.open("w", encoding="utf-8") as file:
        config.write(file)
    return " ".join(flags)


def _can_overlay(folder: Path) -> bool:
    """Whether a file system can be laid over another one here, which in a container it often cannot."""
    parts = [folder / f"overlay-{name}" for name in ("lower", "upper", "work", "merged")]
    for part in parts:
        part.mkdir()
    lower, upper, work, merged = parts
    layers = f"lowerdir={lower},upperdir={upper},workdir={work}"
    mount = ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", layers, str(merged)]
    process = subprocess.run(mount, capture_output=True, check=False)
    for part in parts:
        shutil.rmtree(part)
    return process.returncode == 0


def _run(command: Sequence[str], env: Mapping[str, str], report: Report | None = None, topic: str = "") -> str:
    """Run a command with mounts of its own; return what it printed, or raise ImageError with the end of it.

    A mount that an interrupted command leaves behind ends with it, and removing its folder reaches no mounted one.
    """
    isolated = ["unshare", "--mount", *command]
    if report is None:
        completed_process = subprocess.run(
            isolated, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False
        )
        if completed_process.returncode != 0:
            raise ImageError(
                _failure(
                    command,
                    completed_process.returncode,
                    (completed_process.stdout + completed_process.stderr).splitlines(),
                )
            )
        return completed_process.stdout
    report(topic)
    lines: list[str] = []
    with subprocess.Popen(
        isolated, cwd=REPOSITORY, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            report(f"{topic}: {line.strip()[:100]}")
    if process.returncode != 0:
        raise ImageError(_failure(command, process.returncode, lines))
    return "\n".join(lines)


def _failure(command: Sequence[str], code: int, lines: Sequence[str]) -> str:
    return "\n".join([f"{' '.join(command)} ended with {code}:", *lines[-_ERROR_LINES:]])
