"""What of the machine a whole node uses: Debian's programs, and folders of its own in place of the machine's."""

import contextlib
import os
import shutil
from pathlib import Path

from localcluster.node import linux
from localcluster.packages import PackageError, install

# By the Debian package: the program that must be found.
_PROGRAMS = {
    "containerd": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "iproute2": "ip",
    "util-linux": "unshare",
}
_SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])
# Where distributions keep the plugins that connect pods, Debian first.
_PLUGIN_FOLDERS = ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")
_PLUGIN_PACKAGE = "containernetworking-plugins"


class MachineError(Exception):
    """This machine cannot have a whole node; the message says why and what to do."""


def ensure_programs() -> None:
    """Return if a whole node can live here, having installed what is missing; raise MachineError."""
    if os.geteuid() != 0:
        raise MachineError("a node with real containers needs root: run this as root, or take CLUSTER=local")
    missing_packages = [
        package for package, program in _PROGRAMS.items() if shutil.which(program, path=_SEARCH_PATH) is None
    ]
    missing_packages += [] if plugin_folder() else [_PLUGIN_PACKAGE]
    if not missing_packages:
        return
    try:
        install(missing_packages)
    except PackageError as error:
        raise MachineError(str(error)) from error


def plugin_folder() -> str | None:
    """Return where the plugins lie that connect pods; None if there are none."""
    return next((folder for folder in _PLUGIN_FOLDERS if Path(folder, "ptp").exists()), None)


def take_own_folders(run_dir: Path) -> None:
    """Put folders of the node's own over those that its programs write to, in this process's mount namespace."""
    for name in ("lib", "log"):
        own_folder = run_dir / "var" / name
        own_folder.mkdir(parents=True)
        linux.mount(str(own_folder), f"/var/{name}", None, linux.MS_BIND)
    linux.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    for folder in ("/run/cni", "/run/lock", "/run/containerd"):
        Path(folder).mkdir()


def leave_mounts(run_dir: Path) -> None:
    """Unmount what lies under the run folder, so that removing the folder reaches nothing else."""
    # /var/lib and /var/log are the run folder's, and what is mounted there is listed under those names.
    roots = (f"{run_dir}/", "/var/lib/", "/var/log/", "/run/")
    mount_points = [line.split(" ")[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for target in reversed(mount_points):
        if target.startswith(roots):
            with contextlib.suppress(OSError):
                linux.unmount(target)
