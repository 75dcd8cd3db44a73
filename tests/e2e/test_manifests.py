"""What the chart and the kustomizations make, in every variant, held against the real API server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcluster.installation import wait_until_served
from localcluster.rest import Json, Rest, RestError, documents
from peers import PeerMissingError, monitoring_definitions
from support.chart_variants import MONITORED, VARIANTS
from support.manifest_tools import CHARTS, NAMESPACE, chart_objects, kustomization_objects, only_object


@pytest.fixture(scope="module", autouse=True)
def namespaces(rest: Rest) -> None:
    for name in ("shop", "other", "team"):
        rest.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})


def accepted(rest: Rest, made: list[Json]) -> int:
    """How many objects the API server would take as they are, with no unknown field among them."""
    return len([rest.apply(document, NAMESPACE, dry_run=True) for document in made])


@pytest.fixture(scope="module")
def monitoring(rest: Rest) -> Iterator[None]:
    """A cluster that knows the kinds of the prometheus-operator."""
    try:
        definitions = monitoring_definitions()
    except PeerMissingError as missing:
        pytest.skip(str(missing))
    for definition in definitions:
        rest.apply(definition)
    for definition in definitions:
        wait_until_served(rest, f"/apis/{definition['spec']['group']}/v1/{definition['spec']['names']['plural']}")
    yield
    for definition in definitions:
        rest.delete(rest.path_of(definition))


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in MONITORED])
def test_the_api_server_takes_what_the_chart_makes(rest: Rest, variant: str) -> None:
    values: dict[str, Any] = VARIANTS[variant]

    assert accepted(rest, chart_objects(values)) > 0


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("monitoring")
@pytest.mark.parametrize("variant", MONITORED)
def test_the_prometheus_operators_definitions_take_what_the_chart_makes(rest: Rest, variant: str) -> None:
    objects = chart_objects(MONITORED[variant])

    monitored = [each for each in objects if each["apiVersion"] == "monitoring.coreos.com/v1"]
    assert len(monitored) == 2
    assert accepted(rest, objects) == len(objects)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("monitoring")
@pytest.mark.parametrize(
    ("change", "message"),
    [({"interval": "often"}, "spec.endpoints[0].interval"), ({"intervall": "15s"}, "spec.endpoints[0].intervall")],
)
def test_the_prometheus_operators_definitions_refuse_what_is_wrong(rest: Rest, change: Json, message: str) -> None:
    monitor = only_object("ServiceMonitor", chart_objects(MONITORED["scraped through the Service"]))
    monitor["spec"]["endpoints"][0].update(change)

    with pytest.raises(RestError) as refusal:
        accepted(rest, [monitor])

    assert message in str(refusal.value)


@pytest.mark.parametrize("folder", [CHARTS, CHARTS.parent / "examples" / "kustomize"], ids=lambda path: path.name)
def test_the_api_server_takes_what_kustomize_makes(rest: Rest, folder: Path) -> None:
    assert accepted(rest, kustomization_objects(folder)) > 0


@pytest.mark.parametrize("name", ["oauth2-proxy", "basic-auth"])
def test_the_api_server_takes_the_examples_of_a_log_in_before_the_live_pages(rest: Rest, name: str) -> None:
    assert accepted(rest, list(documents(CHARTS.parent / "examples" / "live-page" / f"{name}.yaml"))) > 0


def test_the_examples_of_a_log_in_lead_to_the_service_that_the_chart_makes() -> None:
    objects = chart_objects({"ui": {"enabled": True, "exposed": True}})
    (service,) = (each for each in objects if each["metadata"]["name"].endswith("-ui"))
    (port,) = service["spec"]["ports"]
    name = service["metadata"]["name"]
    deployment, *_ = documents(CHARTS.parent / "examples" / "live-page" / "oauth2-proxy.yaml")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (ingress,) = documents(CHARTS.parent / "examples" / "live-page" / "basic-auth.yaml")
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]

    assert f"--upstream=http://{name}:{port['port']}" in container["args"]
    assert path["backend"]["service"] == {"name": name, "port": {"name": port["name"]}}
