"""Keeping what containers wrote: the kubelet removes a pod's logs with the pod."""

import asyncio
import contextlib
import os
from pathlib import Path


async def keep_logs(source: Path, archive: Path, look_seconds: float = 0.1) -> None:
    """Give every log file a second name that stays, for as long as this is not cancelled.

    The kubelet writes `<namespace>_<pod>_<uid>/<container>/<run>.log` under `source`; under `archive` it becomes
    `<namespace>_<pod>/<container>/<uid>_<run>.log`.
    """
    linked_files: set[Path] = set()
    while True:
        linked_files |= await asyncio.to_thread(_link_new_files, source, archive, linked_files)
        await asyncio.sleep(look_seconds)


def _link_new_files(source: Path, archive: Path, linked_files: set[Path]) -> set[Path]:
    files = (Path(folder, name) for folder, _, names in os.walk(source) for name in names if name.endswith(".log"))
    new = set(files) - linked_files
    for file in new:
        pod, container = file.parts[-3], file.parts[-2]
        namespace_and_name, _, uid = pod.rpartition("_")
        name = archive / namespace_and_name / container / f"{uid}_{file.name}"
        # A pod may go between one look and the next; os.walk takes no offence at that either.
        with contextlib.suppress(OSError):
            name.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, name)
    return new
