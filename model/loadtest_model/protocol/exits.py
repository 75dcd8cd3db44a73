"""How programs of this project end: the exit codes of a pod, and the exit statuses of what people and pipelines call.

The codes of a pod are apart from those that shells and kernels use (1, 2, 125 and above).
"""

from enum import IntEnum


class PodExit(IntEnum):
    """0 says that the share is done, whatever the thresholds say."""

    DONE = 0
    VIOLATION = 40
    REFUSED = 41
    DEFECT = 42
    HALTED = 43


class ExitStatus(IntEnum):
    """The exit status of `loadgen run`, and of a gate that runs a test in a cluster.

    `USAGE` is EX_USAGE of sysexits.h; argparse's own, 2, belongs to shells.
    """

    PASSED = 0
    FAILED = 1
    INCONCLUSIVE = 2
    NEVER_LOADED = 3
    USAGE = 64
