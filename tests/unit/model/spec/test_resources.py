"""Quantities are read exactly, and what the API server would not take in a pod is refused before there is one."""

import re
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.spec import Spec
from loadtest_model.spec.resources import QUANTITY_PATTERN, exact_quantity
from loadtest_model.spec.validation import broken_rules
from support.builders import a_spec


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", Fraction(1, 2)),
        (2, 2),
        ("1.5Gi", 3 * 2**29),
        (".5", Fraction(1, 2)),
        ("5.", 5),
        ("+1k", 1_000),
        ("1E", 10**18),
        ("1E2", 100),
        ("5.e-1", Fraction(1, 2)),
        ("100n", Fraction(1, 10**7)),
    ],
)
def test_a_quantity_is_read_exactly(text: int | str, number: Fraction | int) -> None:
    assert exact_quantity(text) == number


@given(st.from_regex(QUANTITY_PATTERN, fullmatch=True))
def test_every_text_of_the_form_is_a_number_that_is_not_negative(text: str) -> None:
    assert exact_quantity(text) >= 0


@pytest.mark.parametrize("text", ["500mi", "2K", "1 Gi", "1gb", "-1", "ten", ""])
def test_what_is_no_quantity_is_refused_when_it_is_read(text: str) -> None:
    assert re.search(QUANTITY_PATTERN, text) is None
    with pytest.raises(msgspec.ValidationError, match="limits"):
        a_spec(pod={"resources": {"limits": {"memory": text}}})


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"requests": {"cpu": "1500m"}, "limits": {"cpu": 1}}, "requests must not be above"),
        ({"requests": {"memory": "1Gi"}, "limits": {"memory": "1G"}}, "requests must not be above"),
        ({"limits": {"cpus": 1}}, "may have cpu, memory, ephemeral-storage"),
        ({"limits": {"example.com/slot": "500m"}}, "only whole numbers"),
        ({"requests": {"example.com/slot": 1}}, "limits must repeat"),
    ],
)
def test_resources_that_a_pod_cannot_have_break_a_rule(resources: dict[str, Any], message: str) -> None:
    spec: Spec = a_spec(pod={"resources": resources})

    assert [message in fault.message for fault in broken_rules(spec)] == [True]
