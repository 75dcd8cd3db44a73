"""Keeping what containers wrote: the kubelet removes a pod's logs with the pod."""

import asyncio
import contextlib
import os
from pathlib import Path


async def keep_logs(written: Path, kept: Path, look_seconds: float = 0.1) -> None:
    """Give every log file a second name that stays, for as long as this is not cancelled.

    The kubelet writes `<namespace>_<pod>_<uid>/<container>/<run>.log` under `written`; under `kept` it becomes
    `<namespace>_<pod>/<container>/<uid>_<run>.log`.
    """
    seen: set[Path] = set()
    while True:
        seen |= await asyncio.to_thread(_keep_new, written, kept, seen)
        await asyncio.sleep(look_seconds)


def _keep_new(written: Path, kept: Path, seen: set[Path]) -> set[Path]:
    files = (Path(folder, name) for folder, _, names in os.walk(written) for name in names if name.endswith(".log"))
    new = set(files) - seen
    for file in new:
        pod, container = file.parts[-3], file.parts[-2]
        namespace_and_name, _, uid = pod.rpartition("_")
        name = kept / namespace_and_name / container / f"{uid}_{file.name}"
        # A pod may go between one look and the next; os.walk takes no offence at that either.
        with contextlib.suppress(OSError):
            name.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, name)
    return new
