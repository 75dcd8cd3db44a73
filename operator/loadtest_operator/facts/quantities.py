"""Kubernetes' quantities as numbers: `500m`, `2Gi`, `1e3`."""

from loadtest_model.spec.resources import exact_quantity


def quantity(text: str) -> float | None:
    """The number that a quantity stands for; None if it is none."""
    try:
        return float(exact_quantity(text.strip()))
    except ValueError:
        return None
