"""The objects made in a test's namespace."""

import json
from typing import Any

import msgspec
import pytest
from msgspec import structs

from loadtest_model.plan import Plan
from loadtest_model.report.labels import UID_LABEL, VERDICT_LABEL, label_value
from loadtest_operator.facts import names
from loadtest_operator.facts.destinations import Destination
from loadtest_operator.facts.resources import observed_job
from loadtest_operator.manifests import (
    NetworkPolicyDefaults,
    PodDefaults,
    active_deadline_seconds,
    chosen_labels,
    job,
    network_policy,
    results,
)
from support.builders import IDENTITY
from support.operator_builders import PLAN, a_fleet_plan, a_fleet_spec, a_run_result

Json = dict[str, Any]
DEFAULTS = PodDefaults("loadgen:1", "IfNotPresent", {"requests": {"cpu": "500m"}}, starting_seconds=300)


def a_manifest(**fields: Any) -> Json:
    spec = a_fleet_spec(**fields)
    return job(a_fleet_plan(spec), spec, DEFAULTS)


def pod_of(manifest: Json) -> Json:
    made: Json = manifest["spec"]["template"]["spec"]
    return made


def container_of(manifest: Json) -> Json:
    (made,) = pod_of(manifest)["containers"]
    return dict(made)


def test_nothing_in_the_job_is_ever_retried() -> None:
    spec = a_manifest()["spec"]

    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 2, 2)
    assert (spec["backoffLimitPerIndex"], spec["maxFailedIndexes"]) == (0, 0)
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"


def test_a_violation_and_a_refusal_fail_the_whole_job() -> None:
    (rule,) = a_manifest()["spec"]["podFailurePolicy"]["rules"]

    assert rule["action"] == "FailJob"
    assert rule["onExitCodes"] == {"containerName": "loadgen", "operator": "In", "values": [40, 41]}


def test_the_deadline_covers_every_part_of_the_longest_run() -> None:
    bounds = PLAN.deadlines
    parts = 300 + 2 * bounds.verification_seconds + bounds.barrier_seconds + bounds.linger_seconds

    assert active_deadline_seconds(PLAN, 300) >= parts + sum(PLAN.step_span_seconds)


def test_the_pods_meet_the_restricted_pod_security_standard() -> None:
    manifest = a_manifest()
    pod, container = pod_of(manifest), container_of(manifest)

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert all(set(volume) - {"name"} <= {"emptyDir", "secret"} for volume in pod["volumes"])


def test_the_pods_get_no_token_and_no_service_links() -> None:
    pod = pod_of(a_manifest())

    assert (pod["automountServiceAccountToken"], pod["enableServiceLinks"]) == (False, False)


def test_the_pods_can_read_the_plan_back_from_the_job() -> None:
    manifest = a_manifest()
    manifest["metadata"] |= {"uid": "job-1", "creationTimestamp": "2026-03-01T12:00:00Z"}

    seen = observed_job(manifest, IDENTITY.uid)

    assert seen.plan == PLAN
    assert seen.is_owned
    assert seen.run_id == "1"


def test_a_job_of_another_owner_is_not_ours() -> None:
    manifest = a_manifest()
    manifest["metadata"] |= {"uid": "job-1", "creationTimestamp": "2026-03-01T12:00:00Z"}

    assert not observed_job(manifest, "another-uid").is_owned


def test_a_pod_knows_its_address_and_its_uid() -> None:
    variables = {made["name"]: made for made in container_of(a_manifest())["env"]}

    fields = {
        name: made["valueFrom"]["fieldRef"]["fieldPath"] for name, made in variables.items() if "valueFrom" in made
    }
    assert fields == {"POD_IP": "status.podIP", "POD_UID": "metadata.uid"}


def test_a_token_is_mounted_as_one_file_and_never_stands_in_the_environment() -> None:
    auth = {"secretKeyRef": {"name": "shop-token", "key": "jwt"}}
    manifest = a_manifest(target={"url": "http://clients/x", "auth": auth})

    (volume,) = [volume for volume in pod_of(manifest)["volumes"] if "secret" in volume]
    assert volume["secret"]["secretName"] == "shop-token"
    assert volume["secret"]["items"] == [{"key": "jwt", "path": "token"}]
    assert volume["secret"]["defaultMode"] == 0o440
    assert "secretKeyRef" not in json.dumps(container_of(manifest)["env"])


def metadata_of(manifest: Json) -> Json:
    made: Json = manifest["spec"]["template"]["metadata"]
    return made


def test_autoscalers_are_told_to_leave_the_pods_where_they_are() -> None:
    annotations = metadata_of(a_manifest())["annotations"]

    assert annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert annotations["karpenter.sh/do-not-disrupt"] == "true"


def test_by_default_every_known_injector_is_switched_off() -> None:
    made = metadata_of(a_manifest())

    assert made["labels"]["sidecar.istio.io/inject"] == "false"
    assert made["labels"]["istio.io/dataplane-mode"] == "none"
    assert made["labels"]["kuma.io/sidecar-injection"] == "disabled"
    assert made["annotations"]["sidecar.istio.io/inject"] == "false"
    assert made["annotations"]["linkerd.io/inject"] == "disabled"
    assert made["annotations"]["consul.hashicorp.com/connect-inject"] == "false"
    assert made["annotations"]["dapr.io/enabled"] == "false"
    assert made["annotations"]["vault.hashicorp.com/agent-inject"] == "false"


def test_a_mesh_that_is_let_in_leaves_the_control_port_alone_and_is_ready_first() -> None:
    made = metadata_of(a_manifest(pod={"mesh": "Enabled", "labels": {"sidecar.istio.io/inject": "true"}}))

    assert made["labels"]["sidecar.istio.io/inject"] == "true"
    assert not {"linkerd.io/inject", "sidecar.istio.io/inject"} & set(made["annotations"])
    assert "istio.io/dataplane-mode" not in made["labels"]
    for side in ("Inbound", "Outbound"):
        assert made["annotations"][f"traffic.sidecar.istio.io/exclude{side}Ports"] == "8089"
        assert made["annotations"][f"config.linkerd.io/skip-{side.lower()}-ports"] == "8089"
        assert made["annotations"][f"traffic.kuma.io/exclude-{side.lower()}-ports"] == "8089"
    assert json.loads(made["annotations"]["proxy.istio.io/config"]) == {"holdApplicationUntilProxyStarts": True}
    assert made["annotations"]["sidecar.istio.io/nativeSidecar"] == "true"
    assert made["annotations"]["dapr.io/enabled"] == "false"


def test_labels_and_annotations_of_the_spec_stand_beside_ours() -> None:
    made = metadata_of(a_manifest(pod={"labels": {"example.com/team": "a"}, "annotations": {"example.com/note": "b"}}))

    assert made["labels"]["example.com/team"] == "a"
    assert made["annotations"]["example.com/note"] == "b"
    assert made["labels"].items() >= names.labels(IDENTITY.name, IDENTITY.uid, "1").items()


def test_the_pods_of_a_run_are_spread_over_the_nodes() -> None:
    manifest = a_manifest()
    (spread,) = pod_of(manifest)["topologySpreadConstraints"]

    assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")
    assert spread["labelSelector"]["matchLabels"].items() <= metadata_of(manifest)["labels"].items()


TARGET_PODS = Destination(namespace="shop", labels={"app": "clients"}, ports=(8000,))
AWAY = {
    "weight": 100,
    "podAffinityTerm": {
        "labelSelector": {"matchLabels": {"app": "clients"}},
        "namespaces": ["shop"],
        "topologyKey": "kubernetes.io/hostname",
    },
}


def test_the_pods_would_rather_not_run_beside_the_targets() -> None:
    spec = a_fleet_spec()

    made = pod_of(job(a_fleet_plan(spec), spec, DEFAULTS, destination=TARGET_PODS))["affinity"]

    assert made == {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [AWAY]}}
    assert "affinity" not in pod_of(a_manifest())


def test_an_affinity_of_the_spec_is_kept_whole_beside_ours() -> None:
    nodes = {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["load"]}]}]
        }
    }
    own = {"weight": 5, "podAffinityTerm": {"labelSelector": {}, "topologyKey": "zone"}}
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
    apart = {
        "requiredDuringSchedulingIgnoredDuringExecution": [term],
        "preferredDuringSchedulingIgnoredDuringExecution": [own],
    }
    spec = a_fleet_spec(pod={"affinity": {"nodeAffinity": nodes, "podAntiAffinity": apart}})

    made = pod_of(job(a_fleet_plan(spec), spec, DEFAULTS, destination=TARGET_PODS))["affinity"]

    (chosen,) = made["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert chosen["matchExpressions"] == [{"key": "pool", "operator": "In", "values": ["load"]}]
    (required,) = made["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required["labelSelector"]["matchLabels"] == {"app": "db"}
    first, second = made["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert (first["weight"], first["podAffinityTerm"]["topologyKey"]) == (5, "zone")
    assert second == AWAY


def test_aliases_reach_the_pods() -> None:
    aliases = [{"ip": "10.0.0.7", "hostnames": ["staging.example.com"]}]

    in_pod = pod_of(a_manifest(pod={"hostAliases": aliases}))["hostAliases"]

    assert json.loads(json.dumps(in_pod)) == aliases


def test_what_the_spec_says_of_its_pods_is_applied() -> None:
    manifest = a_manifest(
        pod={
            "resources": {"limits": {"cpu": 2}},
            "nodeSelector": {"pool": "load"},
            "tolerations": [{"key": "load", "operator": "Exists"}],
            "priorityClassName": "low",
            "imagePullSecrets": [{"name": "pull"}],
        },
        ttlSecondsAfterFinished=60,
    )

    pod = pod_of(manifest)
    assert container_of(manifest)["resources"] == {"limits": {"cpu": 2}}
    assert pod["nodeSelector"] == {"pool": "load", "kubernetes.io/os": "linux"}
    assert pod["tolerations"] == [{"key": "load", "operator": "Exists"}]
    assert (pod["priorityClassName"], pod["imagePullSecrets"]) == ("low", [{"name": "pull"}])
    assert manifest["spec"]["ttlSecondsAfterFinished"] == 60


def test_without_a_wish_the_installations_resources_hold() -> None:
    assert container_of(a_manifest())["resources"] == DEFAULTS.resources


def test_every_child_is_owned_and_labelled() -> None:
    for manifest in (a_manifest(), results(PLAN, *a_run_result(), "heavy-results")):
        (owner,) = manifest["metadata"]["ownerReferences"]
        assert (owner["uid"], owner["controller"], owner["blockOwnerDeletion"]) == (IDENTITY.uid, True, False)
        labels = manifest["metadata"]["labels"]
        assert {**labels, **names.labels(IDENTITY.name, IDENTITY.uid, "1")} == labels


def test_the_results_of_a_run_bear_its_verdict() -> None:
    aggregate, summary = a_run_result()

    assert results(PLAN, aggregate, summary, "heavy-results")["metadata"]["labels"][VERDICT_LABEL] == str(
        summary.verdict
    )


@pytest.mark.parametrize("name", ["heavy", "a" * 253, "a.b-c", "x" * 39 + "-y"])
def test_names_are_valid_and_leave_room_for_a_pods_index(name: str) -> None:
    made = names.job_name(name, IDENTITY.uid, "1")

    assert len(made) <= 49
    assert made[0].isalnum()
    assert made[-1].isalnum()
    assert made.replace("-", "").isalnum()


def test_names_differ_between_runs_tests_and_incarnations() -> None:
    made = {
        names.job_name("heavy", "uid-1", "1"),
        names.job_name("heavy", "uid-1", "2"),
        names.job_name("heavy", "uid-2", "1"),
    }

    assert len(made) == 3
    assert names.job_name("heavy", "uid-1", "1") in made


def test_a_label_is_cut_to_what_a_label_may_be() -> None:
    assert len(label_value("a" * 253)) == 63
    assert label_value("a" * 62 + ".b") == "a" * 62


def test_equal_plans_give_equal_jobs() -> None:
    again = msgspec.json.decode(msgspec.json.encode(PLAN), type=Plan)
    digests = {"start": "1", "halt": "2"}
    shuffled = dict(reversed(digests.items()))

    first = job(structs.replace(PLAN, command_digests=digests), a_fleet_spec(), DEFAULTS)
    second = job(structs.replace(again, command_digests=shuffled), a_fleet_spec(), DEFAULTS)

    assert first == second


def test_the_pods_go_to_linux_nodes_alone_whatever_else_the_spec_selects() -> None:
    selecting = a_manifest(pod={"nodeSelector": {"pool": "load", "kubernetes.io/os": "windows"}})

    assert pod_of(a_manifest())["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert pod_of(selecting)["nodeSelector"] == {"pool": "load", "kubernetes.io/os": "linux"}


def test_every_object_has_the_labels_of_the_pods_beside_the_operators_own() -> None:
    pod = {"labels": {"example.com/cost": "shop", "sidecar.istio.io/inject": "true"}, "mesh": "Enabled"}
    spec = a_fleet_spec(pod=pod)
    plan = a_fleet_plan(spec)
    objects = (
        job(plan, spec, DEFAULTS),
        network_policy(plan, (), NetworkPolicyDefaults("loadtest-system"), chosen_labels(spec)),
        results(plan, *a_run_result(), "heavy-results", labels=chosen_labels(spec)),
    )

    for manifest in objects:
        labels = manifest["metadata"]["labels"]
        assert labels["example.com/cost"] == "shop", manifest["kind"]
        assert labels[UID_LABEL] == plan.uid, manifest["kind"]
        # What lets a sidecar into a pod says nothing of other objects.
        assert "sidecar.istio.io/inject" not in labels, manifest["kind"]
