"""What the chart makes of the live pages: nothing by default, and nobody who was not named can reach them."""

from typing import Any

import pytest

from support.manifest_tools import Json, chart_objects, only_object

Objects = list[Json]


def operator_container(objects: Objects) -> Json:
    (container,) = only_object("Deployment", objects)["spec"]["template"]["spec"]["containers"]
    container_of_operator: Json = container
    return container_of_operator


def page_settings(objects: Objects) -> dict[str, str]:
    variables = operator_container(objects)["env"]
    return {entry["name"]: entry["value"] for entry in variables if entry["name"].startswith("LOADTEST_UI")}


def config_map_verbs(objects: Objects) -> list[str]:
    role = next(
        each for each in objects if each["kind"] == "ClusterRole" and each["metadata"]["name"].endswith("operator")
    )
    (rule,) = (rule for rule in role["rules"] if rule["resources"] == ["configmaps"])
    verbs: list[str] = rule["verbs"]
    return verbs


def ingress_ports(objects: Objects) -> dict[str, Any]:
    rules = only_object("NetworkPolicy", objects)["spec"].get("ingress", [])
    return {port["port"]: rule["from"] for rule in rules for port in rule["ports"]}


def services(objects: Objects) -> set[str]:
    return {each["metadata"]["name"].rpartition("-")[2] for each in objects if each["kind"] == "Service"}


def test_without_being_asked_for_there_are_no_pages_and_no_right_to_read_results() -> None:
    objects = chart_objects({})

    assert page_settings(objects) == {}
    assert "get" not in config_map_verbs(objects)
    assert services(objects) == {"metrics"}
    assert "ui" not in ingress_ports(objects)


def test_pages_are_served_inside_the_pod_alone_unless_they_are_exposed() -> None:
    objects = chart_objects({"ui": {"enabled": True}})

    assert page_settings(objects) == {"LOADTEST_UI_PORT": "8082"}
    assert config_map_verbs(objects) == [*config_map_verbs(chart_objects({})), "get"]
    assert services(objects) == {"metrics"}
    assert "ui" not in ingress_ports(objects)


def test_exposed_pages_have_a_service_and_answer_to_its_names_and_to_those_that_are_given() -> None:
    objects = chart_objects({"ui": {"enabled": True, "exposed": True, "hosts": ["tests.example.com"]}})
    name = next(each["metadata"]["name"] for each in objects if each["metadata"]["name"].endswith("-ui"))
    namespace = only_object("Deployment", objects)["metadata"]["namespace"]

    assert page_settings(objects)["LOADTEST_UI_HOST"] == ""
    assert page_settings(objects)["LOADTEST_UI_NAMES"].split(",") == [
        name,
        f"{name}.{namespace}",
        f"{name}.{namespace}.svc",
        f"{name}.{namespace}.svc.cluster.local",
        "tests.example.com",
    ]
    assert services(objects) == {"metrics", "ui"}


@pytest.mark.parametrize("metrics_from", [[], [{"namespaceSelector": {}}]])
def test_exposed_pages_are_reached_by_nobody_but_those_who_are_named(metrics_from: list[Json]) -> None:
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}]
    operator = {"networkPolicy": {"metricsFrom": metrics_from}}

    unnamed = chart_objects({"ui": {"enabled": True, "exposed": True}, "operator": operator})
    named = chart_objects({"ui": {"enabled": True, "exposed": True, "from": peers}, "operator": operator})

    assert "ui" not in ingress_ports(unnamed)
    assert ingress_ports(named)["ui"] == peers
    assert ("http" in ingress_ports(named)) == bool(metrics_from)
