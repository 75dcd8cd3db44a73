"""Thresholds that no other tool can hold are refused by name."""

import pytest

from loadgen.exporting.bounds import NotExportableError, bounds_of
from support.builders import a_plan


def test_a_bound_on_the_baseline_is_not_exported_as_a_bound_of_nothing() -> None:
    (step,) = a_plan(thresholds=["p95 < baseline + 10%"]).steps

    with pytest.raises(NotExportableError, match="only loadgen compares with earlier runs"):
        bounds_of(step)
