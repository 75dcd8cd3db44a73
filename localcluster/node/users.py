"""As whom a container runs."""

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from localcluster.node.environment import ConfigError
from localcluster.node.sandbox import User

# What images have at least: neither 65532 nor any other user of theirs need be in it.
PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nnogroup:x:65534:\n"


def user_of(pod: Mapping[str, Any], container: Mapping[str, Any], image_user: int) -> User:
    """Return as whom the container runs: as its spec says, else its pod's, else its image's.

    The group is none that the image names: a kubelet hands on the image's user as a number, and a runtime then takes
    group 0. Raise ConfigError for root where it must not be.
    """
    pod_context = pod["spec"].get("securityContext") or {}
    context = {**pod_context, **(container.get("securityContext") or {})}
    uid = context.get("runAsUser")
    subject = f'(pod: "{pod["metadata"]["name"]}_{pod["metadata"]["namespace"]}", container: {container["name"]})'
    if context.get("runAsNonRoot") and uid == 0:
        raise ConfigError(f"container's runAsUser breaks non-root policy {subject}")
    if context.get("runAsNonRoot") and uid is None and image_user == 0:
        raise ConfigError(f"container has runAsNonRoot and image will run as root {subject}")
    gid = context.get("runAsGroup", 0)
    groups = [
        *pod_context.get("supplementalGroups", ()),
        *([pod_context["fsGroup"]] if "fsGroup" in pod_context else ()),
    ]
    return User(image_user if uid is None else uid, gid, tuple(groups))


@cache
def can_change_user() -> bool:
    """Return whether containers of this node can really run as other users than its own.

    It takes root, and a checkout and a Python that others may read.
    """
    files = (Path(__file__), Path(sys.prefix, "pyvenv.cfg"), Path(sys.executable))
    return os.geteuid() == 0 and all(file.stat().st_mode & 0o004 for file in files if file.exists())


def common_user(pod: Mapping[str, Any]) -> int | None:
    """Return the user that every container of the pod is to run as, None if they differ or do not say.

    A service account's token belongs to that user.
    """
    pod_context = pod["spec"].get("securityContext") or {}
    containers = [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]
    users = {{**pod_context, **(container.get("securityContext") or {})}.get("runAsUser") for container in containers}
    return users.pop() if len(users) == 1 else None
