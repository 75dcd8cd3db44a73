"""The loads of plateaus that climb geometrically."""

import math
from itertools import pairwise
from typing import Final

MOST_PLATEAUS: Final = 50

# A quotient of logarithms is rounded; a whole number of steps must not become one more.
_ROUNDING_MARGIN: Final = 1e-9


def ladder_levels(
    first: float, last: float, factor: float, required: float | None = None, *, whole: bool = False
) -> tuple[float, ...]:
    """The levels from `first` to `last`, in even steps of at most `factor`.

    `required` is a level itself. Levels have three digits, and those of a `whole` ladder are whole numbers, so that a
    step may be a little longer.
    """
    levels = {first, last}
    landmarks = sorted({first, last, first if required is None else required})
    for low, high in pairwise(landmarks):
        steps = math.ceil(math.log(high / low) / math.log(factor) - _ROUNDING_MARGIN)
        for number in range(steps):
            level = low * (high / low) ** (number / steps)
            levels.add(float(round(level)) if whole else max(low, float(f"{level:.3g}")))
        levels.add(high)
    return tuple(sorted(levels))
