"""What the chart gives to the monitoring of a cluster: what scrapes the metrics, the alerts, and a dashboard."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.chart_variants import VARIANTS
from support.manifest_tools import CHART, CHARTS, NAMESPACE, Json, chart_objects, kinds, only_object
from tools import render_chart

ALERTS = CHARTS.parent / "examples" / "prometheus" / "alerts.yaml"
DASHBOARD = CHART / "files" / "dashboard.json"
MONITORING = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}
ENABLED = {
    "metrics.serviceMonitor.enabled": True,
    "metrics.prometheusRule.enabled": True,
    "metrics.grafanaDashboard.enabled": True,
}


def added_by(values: dict[str, Any]) -> list[Json]:
    """The objects that exist with these values and not without."""
    usual = chart_objects()
    return [each for each in chart_objects(values) if each not in usual]


def test_nothing_for_monitoring_is_there_unless_asked_for() -> None:
    objects = chart_objects()

    assert not kinds(objects) & MONITORING
    assert not [each for each in objects if "grafana_dashboard" in each["metadata"].get("labels", {})]


def test_the_service_monitor_selects_the_service_of_the_metrics_and_a_port_that_it_has() -> None:
    objects = chart_objects({"metrics.serviceMonitor.enabled": True})
    monitor, service = only_object("ServiceMonitor", objects)["spec"], only_object("Service", objects)
    (endpoint,) = monitor["endpoints"]

    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["namespaceSelector"] == {"matchNames": [service["metadata"]["namespace"]]}
    assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
    assert (endpoint["path"], endpoint["interval"]) == ("/metrics", "15s")


def test_the_pod_monitor_selects_the_pods_of_the_operator_and_a_port_that_they_have() -> None:
    objects = chart_objects({"metrics.podMonitor.enabled": True})
    monitor, deployment = only_object("PodMonitor", objects)["spec"], only_object("Deployment", objects)
    template = deployment["spec"]["template"]
    (endpoint,) = monitor["podMetricsEndpoints"]

    assert monitor["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    assert monitor["namespaceSelector"] == {"matchNames": [deployment["metadata"]["namespace"]]}
    ports = [port["name"] for container in template["spec"]["containers"] for port in container["ports"]]
    assert endpoint["port"] in ports


@pytest.mark.parametrize(
    ("value", "kind", "endpoints"),
    [("serviceMonitor", "ServiceMonitor", "endpoints"), ("podMonitor", "PodMonitor", "podMetricsEndpoints")],
)
def test_a_series_keeps_the_namespace_of_its_test(value: str, kind: str, endpoints: str) -> None:
    monitor = only_object(kind, chart_objects({f"metrics.{value}.enabled": True}))

    assert [endpoint["honorLabels"] for endpoint in monitor["spec"][endpoints]] == [True]


def test_without_an_interval_the_one_of_prometheus_holds() -> None:
    monitor = only_object(
        "ServiceMonitor", chart_objects({"metrics.serviceMonitor": {"enabled": True, "interval": ""}})
    )

    assert "interval" not in monitor["spec"]["endpoints"][0]


def test_both_monitors_at_once_are_refused() -> None:
    with pytest.raises(AssertionError, match=r"metrics\.serviceMonitor and metrics\.podMonitor are both enabled"):
        chart_objects({"metrics.serviceMonitor.enabled": True, "metrics.podMonitor.enabled": True})


def test_the_rule_has_the_alerts_of_the_example() -> None:
    rule = only_object("PrometheusRule", chart_objects({"metrics.prometheusRule.enabled": True}))

    assert rule["spec"] == yaml.safe_load(ALERTS.read_text())


def test_a_copy_of_the_alerts_that_differs_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "alerts.yaml"
    copy.write_text(ALERTS.read_text().replace("critical", "warning"))
    monkeypatch.setattr(render_chart, "COPIES", {copy: ALERTS})

    assert render_chart.check() == 1
    assert "files/alerts.yaml differs from examples/prometheus/alerts.yaml" in capsys.readouterr().err


def test_the_dashboard_is_a_file_that_the_sidecar_of_grafana_collects() -> None:
    (config_map,) = added_by({"metrics.grafanaDashboard.enabled": True})
    ((name, text),) = config_map["data"].items()

    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert name.endswith(".json")
    assert json.loads(text) == json.loads(DASHBOARD.read_text())


def test_two_releases_give_the_sidecar_two_files() -> None:
    def file_in(namespace: str) -> str:
        objects = chart_objects({"metrics.grafanaDashboard.enabled": True}, namespace=namespace)
        (name,) = [
            name for each in objects if each["kind"] == "ConfigMap" for name in each["data"] if name.endswith(".json")
        ]
        return str(name)

    assert file_in("team-a") != file_in("team-b")


@pytest.mark.parametrize("value", ["serviceMonitor", "podMonitor", "prometheusRule", "grafanaDashboard"])
def test_each_has_the_labels_and_the_namespace_that_are_set(value: str) -> None:
    settings = {"enabled": True, "labels": {"release": "true"}, "namespace": "observability"}
    (made,) = added_by({f"metrics.{value}": settings})

    assert made["metadata"]["labels"]["release"] == "true"
    assert made["metadata"]["namespace"] == "observability"
    assert made["metadata"]["labels"]["app.kubernetes.io/name"] == "loadtest-operator"
    (by_default,) = added_by({f"metrics.{value}.enabled": True})
    assert by_default["metadata"]["namespace"] == NAMESPACE


def test_another_sidecar_has_other_labels_and_reads_annotations() -> None:
    (config_map,) = [each for each in added_by(VARIANTS["a dashboard elsewhere"]) if each["kind"] == "ConfigMap"]

    labels = config_map["metadata"]["labels"]
    assert ("grafana_dashboard" in labels, labels["dashboards"]) == (False, "team")
    assert config_map["metadata"]["annotations"] == {"grafana_folder": "Load tests: all"}


def test_labels_cannot_take_the_place_of_those_of_the_release() -> None:
    labels = {"app.kubernetes.io/instance": "another"}
    rule = only_object("PrometheusRule", chart_objects({"metrics.prometheusRule": {"enabled": True, "labels": labels}}))

    assert rule["metadata"]["labels"]["app.kubernetes.io/instance"] == "loadtest-operator"


@pytest.mark.parametrize(("parts", "are_there"), [("cluster", False), ("namespaced", True)])
def test_monitoring_belongs_to_the_part_of_a_namespace(parts: str, are_there: bool) -> None:
    objects = chart_objects({**ENABLED, "parts": parts})

    assert (kinds(objects) & MONITORING == {"ServiceMonitor", "PrometheusRule"}) is are_there


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"metrics.serviceMonitor.interval": "15"}, "'/metrics/serviceMonitor/interval'"),
        ({"metrics.serviceMonitor.enable": True}, "'enable' not allowed"),
        ({"metrics.podMonitor.namespace": "Shop"}, "'/metrics/podMonitor/namespace'"),
        ({"metrics.prometheusRule.labels": {"release": "a b"}}, "'/metrics/prometheusRule/labels/release'"),
        ({"metrics.prometheusRule.interval": "15s"}, "'interval' not allowed"),
        ({"metrics.grafanaDashboard.labels": {"a b": "1"}}, "'a b' does not match pattern"),
        ({"metrics.grafanaDashboard.annotations": {"grafana_folder": 1}}, "annotations/grafana_folder'"),
        ({"metrics.grafanaDashboard.annotations": {"grafana_folder": None}}, "annotations/grafana_folder'"),
    ],
    ids=str,
)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError) as refusal:
        chart_objects(values)

    assert message in str(refusal.value)
