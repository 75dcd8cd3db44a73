"""How a loadgen pod ends: its exit codes, apart from those that shells and kernels use (1, 2, 125 and above)."""

from enum import IntEnum


class PodExit(IntEnum):
    """0 says that the share is done, whatever the thresholds say."""

    DONE = 0
    VIOLATION = 40
    REFUSED = 41
    DEFECT = 42
    HALTED = 43
