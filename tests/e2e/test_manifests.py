"""What the chart and the kustomizations make, in every variant, held against the real API server."""

from pathlib import Path
from typing import Any

import pytest

from localcluster.rest import Json, Rest
from support.chart_variants import VARIANTS
from support.manifest_tools import CHARTS, NAMESPACE, chart_objects, kustomization_objects


@pytest.fixture(scope="module", autouse=True)
def namespaces(rest: Rest) -> None:
    for name in ("shop", "other", "team"):
        rest.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def accepted(rest: Rest, made: list[Json]) -> int:
    """How many objects the API server would take as they are, with no unknown field among them."""
    return len([rest.apply(document, NAMESPACE, dry_run=True) for document in made])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_api_server_takes_what_the_chart_makes(rest: Rest, variant: str) -> None:
    values: dict[str, Any] = VARIANTS[variant]

    assert accepted(rest, chart_objects(values)) > 0


@pytest.mark.parametrize("folder", [CHARTS, CHARTS.parent / "examples" / "kustomize"], ids=lambda path: path.name)
def test_the_api_server_takes_what_kustomize_makes(rest: Rest, folder: Path) -> None:
    assert accepted(rest, kustomization_objects(folder)) > 0
