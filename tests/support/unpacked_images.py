"""The project's images as files on this machine, and their programs as a container would run them."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcluster.images import ImageStore

# buildah has no flag for a read-only root, and in chroot isolation now and then loses what a command printed.
# /tmp is what an emptyDir would be there.
_ISOLATION_SCRIPT = """
set -e; root=$1 user=$2 tmp=$3; shift 3
mount --bind "$root" "$root"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null urandom; do touch "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"; done
mount --rbind /proc "$root/proc"
mount -o remount,bind,ro "$root"
if test "$tmp" = yes; then mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"; fi
exec chroot --userspec="$user" "$root" "$@"
"""


@dataclass(frozen=True, slots=True)
class UnpackedImage:
    """An image of a store: config as OCI has it, and its files, copied to root."""

    store: ImageStore
    config: Mapping[str, Any]
    root: Path

    def run(self, *command: str, user: str = "", tmp: bool = False) -> str:
        """Run a command on a root that cannot be written, as the image's user or another one; return what it printed.

        Raises ImageError where it fails.
        """
        return self.store.run(*self._isolated_command(command, {}, user, tmp=tmp))

    @contextmanager
    def running_process(self, user: str, *command: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
        """A command, the image's own if none is named, on a root that cannot be written, until the block ends."""
        isolated_command = self._isolated_command(command or self.config["config"]["Cmd"], variables, user, tmp=True)
        with subprocess.Popen(
            ["unshare", "--mount", *isolated_command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            try:
                yield process
            finally:
                process.terminate()

    def files(self) -> set[str]:
        """The paths of all files and links, relative to the root."""
        paths = (path for path in self.root.rglob("*") if path.is_symlink() or not path.is_dir())
        return {str(path.relative_to(self.root)) for path in paths}

    def _isolated_command(
        self, command: tuple[str, ...], variables: Mapping[str, str], user: str, *, tmp: bool
    ) -> list[str]:
        config = self.config["config"]
        # The environment is the image's, with the home that container runtimes give.
        environment = ["HOME=/", *config["Env"], *(f"{name}={value}" for name, value in variables.items())]
        inner = ["env", "-i", f"--chdir={config.get('WorkingDir') or '/'}", *environment, *command]
        return [
            "sh",
            "-c",
            _ISOLATION_SCRIPT,
            "sh",
            str(self.root),
            user or config["User"],
            "yes" if tmp else "no",
            *inner,
        ]


def unpack_image(store: ImageStore, image: str) -> UnpackedImage:
    """Unpack one of a store's images into the store's folder."""
    config = json.loads(store.run("buildah", "inspect", "--type", "image", image))["OCIv1"]
    container = store.run("buildah", "from", image).strip()
    # By the image: a container that was removed leaves its name to the next.
    root = store.folder / f"root-of-{image.replace(':', '-')}"
    # A copy, since a mount ends with the command that makes it.
    copy = 'cp -a "$(buildah mount "$1")" "$2" && buildah rm "$1"'
    store.run("sh", "-c", copy, "sh", container, str(root))
    return UnpackedImage(store, config, root)
