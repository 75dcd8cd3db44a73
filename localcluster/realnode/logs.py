"""Keeping what containers wrote: the kubelet removes a pod's logs with the pod."""

import asyncio
import contextlib
import os
from pathlib import Path

_LOOK_SECONDS = 0.1


async def keep_logs(written: Path, kept: Path) -> None:
    """Give every log file a second name that stays, for as long as this is not cancelled.

    The kubelet writes `<namespace>_<pod>_<uid>/<container>/<run>.log` under `written`; under `kept` it becomes
    `<namespace>_<pod>/<container>/<uid>_<run>.log`.
    """
    seen: set[Path] = set()
    while True:
        seen |= await asyncio.to_thread(_keep_new, written, kept, seen)
        await asyncio.sleep(_LOOK_SECONDS)


def _keep_new(written: Path, kept: Path, seen: set[Path]) -> set[Path]:
    new = set(written.glob("*/*/*.log")) - seen
    for file in new:
        pod, container = file.parts[-3], file.parts[-2]
        namespace_and_name, _, uid = pod.rpartition("_")
        name = kept / namespace_and_name / container / f"{uid}_{file.name}"
        name.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError, FileNotFoundError):
            os.link(file, name)
    return new
