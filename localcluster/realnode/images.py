"""Archives of the project's images for a node, made anew when what they are made from has changed."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from localcluster.go import Report, cache_directory
from localcluster.images import FAULTY_TARGET_IMAGE, OPERATOR_IMAGE, REPOSITORY, TARGET_IMAGE, make_images

# The faulty target's image begins with the example target's, so the two go together.
_GROUPS = ((OPERATOR_IMAGE,), (TARGET_IMAGE, FAULTY_TARGET_IMAGE))
_BUILD_FILES = ("Makefile", "localcluster/images.py")
_IGNORED_NAMES = {"__pycache__", "pools.json"}
_MAX_CACHED = 4


def image_archives(report: Report) -> list[Path]:
    """Return archives of all images, from this user's cache where they are what would be made.

    Raises ImageError if one cannot be made.
    """
    cache = cache_directory() / "node-images"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return [archive for images in _GROUPS for archive in _group_archives(cache, images, report)]


def _group_archives(cache: Path, images: Sequence[str], report: Report) -> list[Path]:
    home = cache / f"{_file_name(images[0])}-{fingerprint(REPOSITORY, (*_sources(images[0]), *_BUILD_FILES))}"
    if not home.exists():
        with tempfile.TemporaryDirectory(prefix="loadtest-images-", dir=cache) as folder:
            finished_folder = Path(folder) / "whole"
            finished_folder.mkdir()
            work_folder = Path(folder) / "work"
            work_folder.mkdir()
            for archive in make_images(work_folder, report, images).values():
                archive.rename(finished_folder / archive.name)
            finished_folder.rename(home)
    os.utime(home)
    _remove_older(cache, _file_name(images[0]))
    return sorted(home.iterdir())


def _sources(image: str) -> Sequence[str]:
    if image != OPERATOR_IMAGE:
        return ("examples/django_target", "integrations/django/loadtest_guard", "tests/targets")
    # Its build may see only what this file excepts from being ignored.
    ignore_lines = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return ("Dockerfile", ".dockerignore", *(line[1:] for line in ignore_lines if line.startswith("!")))


def fingerprint(root: Path, sources: Sequence[str]) -> str:
    """Return what tells the content of files and folders under root apart from any other."""
    digest = hashlib.sha256()
    for path in sorted(path for source in sources for path in _files(root / source)):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    for each in path.rglob("*") if path.is_dir() else ():
        if each.is_file() and not _IGNORED_NAMES & set(each.parts):
            yield each


def _remove_older(cache: Path, name: str) -> None:
    homes = sorted(cache.glob(f"{name}-*"), key=lambda home: home.stat().st_mtime, reverse=True)
    for home in homes[_MAX_CACHED:]:
        shutil.rmtree(home, ignore_errors=True)


def _file_name(image: str) -> str:
    return image.replace(":", "-")
