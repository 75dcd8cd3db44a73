"""What a measured value was compared with."""

from loadtest_model.values import WireValue


class Comparison(WireValue, frozen=True, kw_only=True, omit_defaults=False):
    """The baseline beside a value: that of so many earlier `runs`, all in the unit of the metric.

    The baseline lies between `low` and `high`, and `bound` is the worst value that the tolerance allows. With no run
    nothing was compared.
    """

    runs: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
