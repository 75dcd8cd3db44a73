"""The chart, the manifest that is rendered from it, and the kustomization over that."""

import json
from pathlib import Path
from typing import Any

import pytest

from loadtest_model.release import installed_version
from loadtest_operator.facts.quantities import quantity
from loadtest_operator.manifests.injection import MESH_OFF
from support.chart_variants import VARIANTS
from support.manifest_tools import (
    CHART,
    CHARTS,
    Json,
    chart_objects,
    helm,
    kinds,
    kustomization_objects,
    only_object,
    read_documents,
)
from tools import render_chart

# What kubeadm's control plane requests with CoreDNS, and a node's network daemon beside it.
CONTROL_PLANE_CORES = 0.95
CLUSTER_SCOPED = {
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


def installed_objects() -> list[Json]:
    return read_documents((CHARTS / "install.yaml").read_text())


def find_object(kind: str, name: str, objects: list[Json]) -> Json:
    return only_object(kind, [document for document in objects if document["metadata"]["name"] == name])


def rules_of(document: Json) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in document["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def environment_of(objects: list[Json]) -> dict[str, str]:
    (container,) = only_object("Deployment", objects)["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def test_the_committed_manifest_is_what_the_chart_gives() -> None:
    assert render_chart.check() == 0


def test_a_changed_manifest_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tmp_path / "install.yaml"
    changed.write_text((CHARTS / "install.yaml").read_text().replace("replicas: 1", "replicas: 2"))
    monkeypatch.setattr(render_chart, "FILE", changed)

    assert render_chart.check() == 1


def test_the_operator_may_read_no_secret_but_its_own() -> None:
    everywhere = rules_of(find_object("ClusterRole", "loadtest-operator", installed_objects()))
    own = only_object("Role", installed_objects())

    assert not any(resource == "secrets" for _, resource, _ in everywhere)
    assert not any("*" in rule for rule in everywhere)
    reading = [rule for rule in own["rules"] if "get" in rule["verbs"]]
    assert [rule["resourceNames"] for rule in reading] == [["loadtest-operator-command-key"]]
    assert not any({"list", "watch"} & set(rule["verbs"]) for rule in own["rules"])


def test_the_crd_outlives_the_release() -> None:
    annotations = only_object("CustomResourceDefinition", installed_objects())["metadata"]["annotations"]

    assert annotations == {"helm.sh/resource-policy": "keep"}


def test_the_crd_is_the_generated_one() -> None:
    crd = only_object("CustomResourceDefinition", installed_objects())
    (generated,) = read_documents((CHARTS.parent / "crds" / "loadtests.yaml").read_text())

    assert crd["spec"] == generated["spec"]


def test_the_operators_pod_meets_the_restricted_standard() -> None:
    pod = only_object("Deployment", installed_objects())["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert (
        only_object("Namespace", installed_objects())["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        == "restricted"
    )


@pytest.mark.parametrize("selector", [{}, {"pool": "operators"}, {"kubernetes.io/os": "windows"}])
def test_the_operator_goes_to_linux_nodes_alone(selector: dict[str, str]) -> None:
    deployment = only_object("Deployment", chart_objects({"operator": {"nodeSelector": selector}}))

    assert deployment["spec"]["template"]["spec"]["nodeSelector"] == {**selector, "kubernetes.io/os": "linux"}


def test_what_ends_the_operator_is_in_the_status_of_its_pod() -> None:
    (container,) = only_object("Deployment", installed_objects())["spec"]["template"]["spec"]["containers"]

    assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_the_operator_is_told_its_pods_name_and_listens_at_every_address() -> None:
    (container,) = only_object("Deployment", installed_objects())["spec"]["template"]["spec"]["containers"]
    by_name = {variable["name"]: variable for variable in container["env"]}

    assert by_name["POD_NAME"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
    assert not {"POD_IP", "LOADTEST_HTTP_HOST"} & set(by_name)


def test_operator_target_and_two_pods_fit_two_cores_beside_a_control_plane() -> None:
    def requests(deployment: Json) -> Json:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        requested: Json = container["resources"]["requests"]
        return requested

    example = CHARTS.parent / "examples" / "django_target" / "manifests.yaml"
    target = only_object("Deployment", read_documents(example.read_text()))
    pod = json.loads(environment_of(installed_objects())["LOADTEST_POD_RESOURCES"])["requests"]
    together = [requests(only_object("Deployment", installed_objects())), requests(target), pod, pod]

    cores, memory_bytes = (sum(quantity(document[name]) or 0 for document in together) for name in ("cpu", "memory"))

    assert 0 < cores <= 2 - CONTROL_PLANE_CORES
    assert 0 < memory_bytes <= 512 * 2**20


@pytest.mark.parametrize("variant", VARIANTS)
def test_helm_finds_nothing_wrong_with_the_chart(variant: str) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", str(CHART), values=VARIANTS[variant])


def test_the_network_policies_name_the_labels_that_the_operators_pod_has() -> None:
    objects = chart_objects()
    labels = only_object("Deployment", objects)["spec"]["template"]["metadata"]["labels"]

    named_labels = json.loads(environment_of(objects)["LOADTEST_OPERATOR_LABELS"])

    assert named_labels
    assert named_labels.items() <= labels.items()


def test_the_operator_stays_out_of_meshes_as_its_pods_do_by_default() -> None:
    metadata = only_object("Deployment", chart_objects())["spec"]["template"]["metadata"]

    assert metadata["labels"].items() >= MESH_OFF.labels.items()
    assert metadata["annotations"]["linkerd.io/inject"] == MESH_OFF.annotations["linkerd.io/inject"]
    key = "consul.hashicorp.com/connect-inject"
    assert metadata["annotations"][key] == MESH_OFF.annotations[key]


def test_what_pods_may_be_labelled_with_is_set_by_the_chart() -> None:
    environment = environment_of(
        chart_objects({"pods.allowedPrefixes": ["example.com/", "b.org/x-"], "pods.networkPolicy": False})
    )

    assert environment["LOADTEST_POD_PREFIXES"] == "example.com/,b.org/x-"
    assert environment["LOADTEST_NETWORK_POLICY"] == "false"


def test_watching_some_namespaces_needs_no_right_in_the_whole_cluster() -> None:
    apart = {"users.aggregate": False, "admission.secretAccess": "installed-by-admin"}
    objects = chart_objects({"watch.namespaces": ["shop", "other"], **apart})

    assert not {"ClusterRole", "ClusterRoleBinding"} & kinds(objects)
    roles = [document for document in objects if document["kind"] == "Role"]
    assert {role["metadata"]["namespace"] for role in roles} == {"shop", "other", "loadtest-system"}
    assert environment_of(objects)["LOADTEST_WATCH_NAMESPACES"] == "shop,other"


def test_of_a_namespace_with_targets_alone_only_their_endpoints_may_be_read() -> None:
    objects = chart_objects({"watch.namespaces": ["team"], "watch.targetNamespaces": ["shop", "team"]})
    (role,) = [each for each in objects if each["kind"] == "Role" and each["metadata"]["namespace"] == "shop"]
    (binding,) = [each for each in objects if each["kind"] == "RoleBinding" and each["metadata"]["namespace"] == "shop"]

    assert rules_of(role) == {
        (group, resource, verb)
        for group, resource in (("", "services"), ("", "pods"), ("discovery.k8s.io", "endpointslices"))
        for verb in ("get", "list", "watch")
    }
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    account = {"kind": "ServiceAccount", "name": "loadtest-operator", "namespace": "loadtest-system"}
    assert binding["subjects"] == [account]
    in_team = [each["metadata"]["name"] for each in objects if each["metadata"].get("namespace") == "team"]
    assert in_team == ["loadtest-operator", "loadtest-operator"]


def test_where_all_namespaces_are_watched_targets_need_no_role_of_their_own() -> None:
    assert chart_objects({"watch.targetNamespaces": ["shop"]}) == chart_objects()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"watch.namespaces": ["shop"]},
        {"operator.replicas": 2},
        {"watch": {"namespaces": ["team"], "targetNamespaces": ["shop"]}},
    ],
)
def test_the_two_parts_are_the_whole_and_only_one_is_the_clusters(more: dict[str, Any]) -> None:
    def names(objects: list[Json]) -> list[tuple[str, str, str]]:
        metadata = [(document["kind"], document["metadata"]) for document in objects]
        return sorted((kind, each.get("namespace", ""), each["name"]) for kind, each in metadata)

    cluster, namespaced = chart_objects({**more, "parts": "cluster"}), chart_objects({**more, "parts": "namespaced"})

    assert kinds(cluster) <= CLUSTER_SCOPED
    assert not kinds(namespaced) & CLUSTER_SCOPED
    assert names([*cluster, *namespaced]) == names(chart_objects(more))


def test_who_installs_for_a_namespace_is_given_what_the_operator_is_given() -> None:
    objects = chart_objects()

    installing = rules_of(find_object("ClusterRole", "loadtest-operator-install", objects))

    assert installing == rules_of(find_object("ClusterRole", "loadtest-operator", objects))


@pytest.mark.parametrize(
    ("values", "absent"),
    [
        ({"crds.install": False}, "CustomResourceDefinition/loadtests.x-load-test.dev"),
        ({"admission.secretAccess": False}, "ValidatingAdmissionPolicy/loadtest-operator-secret-access"),
        ({"admission.secretAccess": False}, "ClusterRole/loadtest-operator-secret-access-reader"),
        ({"admission.secretAccess": "installed-by-admin"}, "ValidatingAdmissionPolicy/loadtest-operator-secret-access"),
        ({"admission.targets": False}, "ValidatingAdmissionPolicy/loadtest-operator-targets"),
        ({"admission.operator": False}, "ValidatingAdmissionPolicy/loadtest-operator-own-jobs"),
        ({"users.aggregate": False}, "ClusterRole/loadtest-operator-edit"),
        ({"operator.networkPolicy.enabled": False}, "NetworkPolicy/loadtest-operator"),
    ],
)
def test_a_part_can_be_left_out(values: dict[str, Any], absent: str) -> None:
    def parts(objects: list[Json]) -> set[str]:
        return {f"{each['kind']}/{each['metadata']['name']}" for each in objects}

    assert absent in parts(chart_objects())
    assert absent not in parts(chart_objects(values))


def test_one_installation_does_not_judge_the_targets_of_another() -> None:
    def holds_in(objects: list[Json]) -> Any:
        policy = find_object("ValidatingAdmissionPolicy", "loadtest-operator-targets", objects)
        return policy["spec"]["matchConstraints"].get("namespaceSelector")

    expression = {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["shop", "other"]}
    assert holds_in(chart_objects({"watch.namespaces": ["shop", "other"]})) == {"matchExpressions": [expression]}
    assert holds_in(chart_objects()) is None


def test_no_policy_is_left_where_all_are_left_out() -> None:
    objects = chart_objects({"admission": {"secretAccess": False, "targets": False, "operator": False}})

    assert not [kind for kind in kinds(objects) if kind.startswith("ValidatingAdmission")]


def test_only_several_replicas_share_a_lease_and_have_a_budget() -> None:
    def may_lease(objects: list[Json]) -> bool:
        return any(resource == "leases" for _, resource, _ in rules_of(only_object("Role", objects)))

    alone, several = chart_objects(), chart_objects({"operator.replicas": 2})

    assert (environment_of(alone).get("LOADTEST_LEASE"), may_lease(alone)) == (None, False)
    assert (environment_of(several)["LOADTEST_LEASE"], may_lease(several)) == ("loadtest-operator", True)
    assert "PodDisruptionBudget" not in kinds(alone)
    budget, deployment = only_object("PodDisruptionBudget", several), only_object("Deployment", several)
    assert budget["spec"]["maxUnavailable"] == 1
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]
    assert deployment["spec"]["replicas"] == 2


def test_the_operator_reaches_what_it_needs_and_is_reached_for_its_metrics_only() -> None:
    policy = only_object("NetworkPolicy", chart_objects())["spec"]

    assert policy["podSelector"] == only_object("Deployment", chart_objects())["spec"]["selector"]
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == ["http"]
    assert [[port["port"] for port in rule["ports"]] for rule in policy["egress"]] == [[443, 6443], [53, 53], [8089]]
    assert (
        "ingress" not in only_object("NetworkPolicy", chart_objects({"operator.networkPolicy.metricsFrom": []}))["spec"]
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"image": {"tag": ""}}, "'/image/tag'"),
    ({"image": {"digest": "sha256:1"}}, "'digest' not allowed"),
    ({"policy.denied": ["everything"]}, "'everything' does not match"),
    ({"deadlines.linger": 0}, "'/deadlines/linger'"),
    ({"metrics.port": 80}, "'/metrics/port'"),
    ({"unknown": 1}, "'unknown' not allowed"),
    ({"parts": "some"}, "value must be one of 'all', 'cluster', 'namespaced'"),
    ({"operator.replicas": 0}, "'/operator/replicas': minimum"),
    ({"operator.replica": 2}, "'replica' not allowed"),
    ({"operator.resources": {"request": {"cpu": 1}}}, "'request' not allowed"),
    ({"operator.resources": {"requests": {"memory": "much"}}}, "'/operator/resources/requests/memory'"),
    ({"operator.tolerations": [{"effect": "Never"}]}, "'/operator/tolerations/0/effect'"),
    ({"operator.networkPolicy.metricsFrom": [{"cidr": "10.0.0.0/8"}]}, "'cidr' not allowed"),
    ({"loadgen.resources": {"limits": {"gpu": 1}}}, "'gpu'"),
    ({"watch.namespaces": ["Shop"]}, "'/watch/namespaces/0'"),
    ({"watch.targetNamespaces": ["*"]}, "'/watch/targetNamespaces/0'"),
]


@pytest.mark.parametrize(("values", "message"), REFUSED, ids=str)
def test_a_value_that_makes_no_sense_is_refused_by_its_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(AssertionError) as refusal:
        chart_objects(values)

    assert message in str(refusal.value)


def test_every_setting_is_in_the_schema_and_every_object_of_it_is_closed() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    (values,) = read_documents((CHART / "values.yaml").read_text())

    def open_objects(part: Any, where: str) -> list[str]:
        if isinstance(part, list):
            return [path for each in part for path in open_objects(each, where)]
        if not isinstance(part, dict):
            return []
        is_open = part.get("type") == "object" and "additionalProperties" not in part
        inner = [path for key, each in part.items() for path in open_objects(each, f"{where}/{key}")]
        return [where, *inner] if is_open else inner

    # helm itself adds `global` to what a chart is given.
    assert open_objects(schema, "") == ["/properties/global"]
    assert set(values) | {"global"} == set(schema["properties"])


def test_the_example_of_an_overlay_changes_the_image_everywhere() -> None:
    objects = kustomization_objects(CHARTS.parent / "examples" / "kustomize")

    (container,) = only_object("Deployment", objects)["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"registry.example/loadtest-operator:{installed_version()}"
    assert environment_of(objects)["LOADTEST_IMAGE"] == container["image"]
    variables = find_object("ValidatingAdmissionPolicy", "loadtest-operator-own-jobs", objects)["spec"]["variables"]
    assert {"name": "image", "expression": f"'{container['image']}'"} in variables
    before, after = environment_of(installed_objects()), environment_of(objects)
    assert {name for name in after if after[name] != before[name]} == {"LOADTEST_IMAGE", "LOADTEST_TARGET_ALLOWED"}
    assert after["LOADTEST_TARGET_ALLOWED"] == "10.0.0.0/8"
    assert container["resources"]["limits"]["memory"] == "1Gi"


def test_the_base_of_overlays_is_the_manifest_as_it_is() -> None:
    def by_name(objects: list[Json]) -> list[Json]:
        return sorted(objects, key=lambda document: (document["kind"], document["metadata"]["name"]))

    assert by_name(kustomization_objects(CHARTS)) == by_name(installed_objects())
