"""What the operator may make beyond its rights: every Job of its own, and no other, tried with its real token."""

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from loadtest_model.plan import compile_plan
from loadtest_model.spec import Identity, Spec
from loadtest_model.spec.pod import Pod
from loadtest_operator.facts.destinations import Destination
from loadtest_operator.facts.mounts import secret_places
from loadtest_operator.manifests import PodDefaults, job
from loadtest_operator.manifests.network_policy import NetworkPolicyDefaults, network_policy
from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest, RestError, wait_for
from support.loadtests import Namespace
from support.operator_builders import PLAN
from support.operator_identity import as_operator

IMAGE = "loadtest-operator:dev"
UID = "7d0d5a0e-0000-4000-8000-000000000001"
DEFAULTS = PodDefaults(IMAGE, "IfNotPresent", {"requests": {"cpu": "500m"}}, 300, ("example.com/",))
TARGET = Destination("shop", {"app": "clients"}, ports=(8000,))
Change = Callable[[Json], None]


@pytest.fixture(scope="module")
def operator(cluster: Cluster, rest: Rest, namespace: Namespace) -> Rest:
    made = as_operator(rest)

    def in_force() -> bool:
        spoilt = a_job(namespace)
        container(spoilt)["image"] = "miner:latest"
        return bool(refusal(made, namespace, "jobs", spoilt))

    wait_for("the policy to refuse", in_force, 30)
    return made


def a_job(namespace: Namespace, **fields: Any) -> Json:
    """The Job that the operator makes for a spec in this namespace."""
    target = {"url": "http://clients:8000/"}
    load = {"batchSize": 1_000, "virtualUsers": 4, "duration": "60s"}
    spec = msgspec.convert({"target": target, "scenario": "custom", "load": load, **fields}, Spec)
    identity = Identity(namespace=namespace.name, name="heavy", uid=UID)
    plan = compile_plan(spec, identity, addresses=("10.0.0.5:8000",), places=secret_places(spec.target))
    return job(plan, spec, DEFAULTS, ("service:shop/clients", "10.0.0.5:8000"), TARGET)


def refusal(rest: Rest, namespace: Namespace, plural: str, manifest: Json, method: str = "POST") -> str:
    """Why the API server would not take an object; empty where it would."""
    root = {"jobs": "/apis/batch/v1", "networkpolicies": "/apis/networking.k8s.io/v1"}.get(plural, "/api/v1")
    path = f"{root}/namespaces/{manifest['metadata'].get('namespace', namespace.name)}/{plural}"
    if method != "POST":
        path += f"/{manifest['metadata']['name']}"
    try:
        rest.call(method, path, manifest, query={"dryRun": "All"})
    except RestError as error:
        return str(error)
    return ""


def pod(manifest: Json) -> Json:
    made: Json = manifest["spec"]["template"]["spec"]
    return made


def container(manifest: Json) -> Json:
    made: Json = pod(manifest)["containers"][0]
    return made


KEY = {"name": "own", "key": "some-key"}
AUTHS: list[Json] = [
    {},
    {"auth": {"secretKeyRef": KEY, "scheme": "Token"}},
    {"auth": {"login": {"url": "http://clients:8000/token/", "secretRef": {"name": "own", "usernameKey": "user"}}}},
]
TRUSTS: list[Json] = [{}, {"caSecretKeyRef": KEY}, {"caConfigMapKeyRef": KEY}]
CERTIFICATES: list[Json] = [{}, {"clientCertificateSecretRef": {"name": "own"}}]
HEADERS: list[Json] = [
    {},
    {"headersFrom": [{"name": f"X-{number}", "secretKeyRef": KEY} for number in range(4)]},
]
POD_OPTIONS: Json = {
    "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "256Mi"}},
    "nodeSelector": {"pool": "load"},
    "tolerations": [{"key": "load", "operator": "Exists", "effect": "NoSchedule"}],
    "priorityClassName": "low",
    "imagePullSecrets": [{"name": "pull"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "pool", "operator": "In", "values": ["load"]}]}]
            }
        }
    },
    "labels": {"example.com/team": "shop"},
    "annotations": {"example.com/cost": "load"},
    "hostAliases": [{"ip": "10.0.0.7", "hostnames": ["staging.example.com"]}],
    "mesh": "Enabled",
}
REST_OF_SPEC: list[Json] = [
    {},
    {"parallelism": 4, "ttlSecondsAfterFinished": 60},
    {"scenario": "all", "load": {}},
    {"verification": {"require": "Proven", "readBack": {"url": "http://clients:8000/count/", "countPath": "count"}}},
    {"records": {"locale": "fr_CA"}, "thresholds": ["p95 < 1s"], "abort": {"thresholds": ["error_rate < 20%"]}},
]


@st.composite
def specs(draw: st.DrawFn) -> Json:
    """What a LoadTest may say of what its pods are given and how they are scheduled."""
    target: Json = {"url": "https://clients:8443/", **draw(st.sampled_from(AUTHS)), **draw(st.sampled_from(HEADERS))}
    tls = {**draw(st.sampled_from(TRUSTS)), **draw(st.sampled_from(CERTIFICATES))}
    if tls:
        target["tls"] = tls
    chosen = draw(st.sets(st.sampled_from(sorted(POD_OPTIONS))))
    return {
        "target": target,
        "pod": {name: POD_OPTIONS[name] for name in chosen},
        **draw(st.sampled_from(REST_OF_SPEC)),
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spec=specs())
def test_every_job_that_the_operator_can_make_is_taken(namespace: Namespace, operator: Rest, spec: Json) -> None:
    assert refusal(operator, namespace, "jobs", a_job(namespace, **spec)) == ""


def test_every_option_of_a_pod_is_among_those_that_are_tried() -> None:
    """An option that is added to a pod is added here, or the policy may one day refuse it."""
    assert set(POD_OPTIONS) == set(Pod.__struct_encode_fields__)


def a_volume(source: Json) -> Change:
    def change(manifest: Json) -> None:
        pod(manifest)["volumes"].append({"name": "auth", **source})

    return change


def a_mount(path: str, **fields: Any) -> Change:
    def change(manifest: Json) -> None:
        a_volume({"secret": {"secretName": "own", "items": [{"key": "k", "path": "token"}]}})(manifest)
        container(manifest)["volumeMounts"].append({"name": "auth", "mountPath": path, **fields})

    return change


def in_pod(**fields: Any) -> Change:
    return lambda manifest: pod(manifest).update(fields)


def in_container(**fields: Any) -> Change:
    return lambda manifest: container(manifest).update(fields)


def in_pod_security(**fields: Any) -> Change:
    return lambda manifest: pod(manifest)["securityContext"].update(fields)


def in_security(**fields: Any) -> Change:
    return lambda manifest: container(manifest)["securityContext"].update(fields)


def _renamed(manifest: Json) -> None:
    container(manifest)["name"] = "other"
    del manifest["spec"]["podFailurePolicy"]


def a_variable(**fields: Any) -> Change:
    return lambda manifest: container(manifest)["env"].append(fields)


def without(*path: str) -> Change:
    """Remove what the operator always says."""

    def change(manifest: Json) -> None:
        within: Any = manifest
        for step in path[:-1]:
            within = within[int(step)] if step.isdigit() else within[step]
        del within[path[-1]]

    return change


ANOTHER = {"name": "another", "image": IMAGE, "command": ["loadgen", "pod"]}
SHELL = {"exec": {"command": ["sh", "-c", "id"]}}
POD = ("spec", "template", "spec")
OWNER = {"apiVersion": "x-load-test.dev/v1alpha1", "kind": "LoadTest", "name": "heavy", "uid": UID, "controller": True}

ONE_CONTAINER = "one container, loadgen"
OUR_COMMAND = "runs `loadgen pod`"
OUR_VARIABLES = "has the variables LOADTEST_PLAN"
NO_TOKEN = "no service account's token"
OUR_VOLUMES = "named keys of Secrets and a ConfigMap for volumes"
OUR_MOUNTS = "mounts its volumes at /tmp"
NOT_THE_NODE = "shares nothing with its node"
NOT_ROOT = "runs as a user that is not root"
NO_PRIVILEGES = "no privileges, no capabilities"
NOTHING_SPECIAL = "no runtime and no device"
OWNED = "owned by a LoadTest, and labelled so"

FORBIDDEN: dict[str, tuple[Change, str]] = {
    "another image": (in_container(image="miner:latest"), "runs the installation's image"),
    "another tag": (in_container(image="loadtest-operator:dev2"), "runs the installation's image"),
    "a second container": (lambda made: pod(made)["containers"].append(ANOTHER), ONE_CONTAINER),
    "a container of another name": (_renamed, ONE_CONTAINER),
    "a container before it": (in_pod(initContainers=[ANOTHER]), ONE_CONTAINER),
    "another command": (in_container(command=["sh", "-c", "id"]), OUR_COMMAND),
    "another command of the image": (in_container(command=["loadtest-operator", "run"]), OUR_COMMAND),
    "the image's own command": (without(*POD, "containers", "0", "command"), OUR_COMMAND),
    "arguments": (in_container(args=["--help"]), OUR_COMMAND),
    "a hook": (in_container(lifecycle={"postStart": SHELL}), OUR_COMMAND),
    "a probe": (in_container(livenessProbe=SHELL), OUR_COMMAND),
    "another folder": (in_container(workingDir="/var/run/loadtest"), OUR_COMMAND),
    "a variable": (a_variable(name="PYTHONPATH", value="/tmp"), OUR_VARIABLES),
    "a variable from a Secret": (
        a_variable(name="POD_IP", valueFrom={"secretKeyRef": {"name": "foreign", "key": "k"}}),
        OUR_VARIABLES,
    ),
    "all of a Secret": (in_container(envFrom=[{"secretRef": {"name": "foreign"}}]), OUR_VARIABLES),
    "the service account's token": (in_pod(automountServiceAccountToken=True), NO_TOKEN),
    "nothing said of the token": (without(*POD, "automountServiceAccountToken"), NO_TOKEN),
    "a service account": (in_pod(serviceAccountName="admin"), NO_TOKEN),
    "a folder of the node": (a_volume({"hostPath": {"path": "/"}}), OUR_VOLUMES),
    "a projected token": (
        a_volume({"projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}),
        OUR_VOLUMES,
    ),
    "all keys of a Secret": (a_volume({"secret": {"secretName": "foreign"}}), OUR_VOLUMES),
    "all keys of a ConfigMap": (a_volume({"configMap": {"name": "foreign"}}), OUR_VOLUMES),
    "a claim": (a_volume({"persistentVolumeClaim": {"claimName": "database"}}), OUR_VOLUMES),
    "another volume's name": (
        lambda made: pod(made)["volumes"].append({"name": "more", "emptyDir": {}}),
        OUR_VOLUMES,
    ),
    "a mount over the program": (a_mount("/usr/bin", readOnly=True), OUR_MOUNTS),
    "a mount that can be written": (a_mount("/var/run/loadtest/auth"), OUR_MOUNTS),
    "the node's network": (in_pod(hostNetwork=True), NOT_THE_NODE),
    "the node's processes": (in_pod(hostPID=True), NOT_THE_NODE),
    "the node's memory": (in_pod(hostIPC=True), NOT_THE_NODE),
    "a port of the node": (in_container(ports=[{"containerPort": 8080, "hostPort": 8080}]), NOT_THE_NODE),
    "a chosen node": (in_pod(nodeName="control-plane"), NOT_THE_NODE),
    "processes seen by others": (in_pod(shareProcessNamespace=True), NOT_THE_NODE),
    "root": (in_pod_security(runAsUser=0), NOT_ROOT),
    "a user that may be root": (in_pod_security(runAsNonRoot=False), NOT_ROOT),
    "no seccomp profile": (in_pod_security(seccompProfile={"type": "Unconfined"}), NOT_ROOT),
    "a kernel parameter": (in_pod_security(sysctls=[{"name": "kernel.shm_rmid_forced", "value": "1"}]), NOT_ROOT),
    "no AppArmor": (in_pod_security(appArmorProfile={"type": "Unconfined"}), NOT_ROOT),
    "SELinux options": (in_pod_security(seLinuxOptions={"type": "spc_t"}), NOT_ROOT),
    "no word of security": (without(*POD, "securityContext"), NOT_ROOT),
    # An API server that allows no privileged pods at all, as the local cluster's, says so before any policy.
    "privileges": (in_security(privileged=True, allowPrivilegeEscalation=True), "disallowed by cluster policy"),
    "a way to privileges": (in_security(allowPrivilegeEscalation=True), NO_PRIVILEGES),
    "a capability": (in_security(capabilities={"drop": ["ALL"], "add": ["NET_ADMIN"]}), NO_PRIVILEGES),
    "the usual capabilities": (in_security(capabilities={}), NO_PRIVILEGES),
    "a root file system to write": (in_security(readOnlyRootFilesystem=False), NO_PRIVILEGES),
    "root in the container": (in_security(runAsUser=0, runAsNonRoot=False), NO_PRIVILEGES),
    "no seccomp profile in the container": (in_security(seccompProfile={"type": "Unconfined"}), NO_PRIVILEGES),
    "no word of the container's security": (without(*POD, "containers", "0", "securityContext"), NO_PRIVILEGES),
    "another runtime": (in_pod(runtimeClassName="bare"), NOTHING_SPECIAL),
    "a device": (in_pod(resourceClaims=[{"name": "gpu", "resourceClaimName": "gpu"}]), NOTHING_SPECIAL),
    "no owner": (without("metadata", "ownerReferences"), OWNED),
    "an owner of another kind": (
        lambda made: made["metadata"].update(ownerReferences=[{**OWNER, "apiVersion": "v1", "kind": "ConfigMap"}]),
        OWNED,
    ),
    "an owner that does not control it": (
        lambda made: made["metadata"].update(ownerReferences=[{**OWNER, "controller": False}]),
        OWNED,
    ),
    "the label of another test": (
        lambda made: made["metadata"]["labels"].update({"x-load-test.dev/uid": "another"}),
        OWNED,
    ),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_a_job_with_anything_else_is_refused_with_its_own_message(
    namespace: Namespace, operator: Rest, case: str
) -> None:
    change, said = FORBIDDEN[case]
    manifest = copy.deepcopy(a_job(namespace))
    change(manifest)

    refused = refusal(operator, namespace, "jobs", manifest)

    assert said in refused


def test_others_are_not_concerned(namespace: Namespace, rest: Rest) -> None:
    manifest = a_job(namespace)
    container(manifest)["image"] = "another:latest"

    assert refusal(rest, namespace, "jobs", manifest) == ""


def a_config_map(namespace: Namespace, **metadata: Any) -> Json:
    made: Json = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": a_job(namespace)["metadata"], "data": {"a": "b"}}
    made["metadata"] |= {"name": "heavy-results", **metadata}
    return made


def test_the_results_and_the_network_policy_of_a_test_are_taken(namespace: Namespace, operator: Rest) -> None:
    plan = structs.replace(PLAN, namespace=namespace.name)
    bounds = network_policy(plan, (TARGET,), NetworkPolicyDefaults(OPERATOR_NAMESPACE))

    assert refusal(operator, namespace, "configmaps", a_config_map(namespace)) == ""
    assert refusal(operator, namespace, "networkpolicies", bounds) == ""


def test_a_network_policy_of_no_test_is_refused(namespace: Namespace, operator: Rest) -> None:
    everything = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "open"},
        "spec": {"podSelector": {}, "ingress": [{}], "policyTypes": ["Ingress"]},
    }

    assert OWNED in refusal(operator, namespace, "networkpolicies", everything)


def test_a_config_map_of_somebody_else_is_neither_made_nor_changed(
    namespace: Namespace, rest: Rest, operator: Rest
) -> None:
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "foreign"}, "data": {"a": "b"}}
    rest.apply(foreign, namespace.name)
    adopted = a_config_map(namespace, name="foreign")

    assert OWNED in refusal(operator, namespace, "configmaps", {**foreign, "metadata": {"name": "new"}})
    for changed in ({**foreign, "data": {"a": "c"}}, adopted):
        assert 'cannot update resource "configmaps"' in refusal(operator, namespace, "configmaps", changed, "PUT")


def test_a_job_of_somebody_else_is_not_removed(namespace: Namespace, rest: Rest, operator: Rest) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": IMAGE}]}}
    foreign = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "foreign"},
        "spec": {"suspend": True, "template": template},
    }
    rest.apply(foreign, namespace.name)

    with pytest.raises(RestError, match="the operator removes nothing but what it made for a LoadTest"):
        operator.call("DELETE", f"/apis/batch/v1/namespaces/{namespace.name}/jobs/foreign")


def test_a_config_map_of_somebody_else_is_not_removed(operator: Rest) -> None:
    with pytest.raises(RestError, match="the operator removes nothing but what it made for a LoadTest"):
        operator.call("DELETE", f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/configmaps/loadtest-operator-targets")


LOADTEST_CHANGES: dict[str, Json] = {
    "its stop": {"spec": {"stop": True}},
    "its labels": {"metadata": {"labels": {"team": "none"}}},
    "its finalizers": {"metadata": {"finalizers": ["example.com/never"]}},
    "its owners": {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "b"}]}},
    "another's annotation": {"metadata": {"annotations": {"example.com/note": "changed"}}},
    "another's annotation, removed": {"metadata": {"annotations": {"example.com/note": None}}},
}


def _refused(rest: Rest, path: str, change: Json) -> str:
    try:
        rest.call("PATCH", path, change, content_type="application/merge-patch+json", query={"dryRun": "All"})
    except RestError as error:
        return str(error)
    return ""


def test_of_a_loadtest_only_the_operators_own_annotations_are_changed(namespace: Namespace, operator: Rest) -> None:
    manifest = namespace.manifest("of-a-user", suspend=True)
    manifest["metadata"]["annotations"] = {"example.com/note": "kept"}
    test = namespace.apply(manifest)

    finished = {"metadata": {"annotations": {"x-load-test.dev/finished-run": "1"}}}

    assert _refused(operator, test.path, finished) == ""
    refused = {case: _refused(operator, test.path, change) for case, change in LOADTEST_CHANGES.items()}
    assert all("the operator " in said for said in refused.values()), refused


def test_no_loadtest_is_deleted_but_a_completed_one_whose_spec_asks_for_it(
    namespace: Namespace, rest: Rest, operator: Rest
) -> None:
    ttl = {"ttl": {"failed": "720h"}}
    asking = namespace.start("asking", suspend=True, results=ttl)
    completed = namespace.start("completed", stop=True)
    completed_asking = namespace.start("completed-asking", stop=True, results=ttl)
    for test in (completed, completed_asking):
        test.until_completed()

    def refused(path: str) -> str:
        try:
            operator.call("DELETE", path, query={"dryRun": "All"})
        except RestError as error:
            return str(error)
        return ""

    said = [refused(test.path) for test in (asking, completed, completed_asking)]

    assert ["deletes no LoadTest but a completed one" in each for each in said] == [True, True, False], said
    assert said[-1] == ""
    rest.delete(asking.path)


SECRETS: dict[str, Json] = {
    "another name": {"metadata": {"name": "another"}},
    "another type": {"type": "example.com/other"},
    "a service account's token": {
        "type": "kubernetes.io/service-account-token",
        "metadata": {
            "name": "loadtest-operator-command-key",
            "annotations": {"kubernetes.io/service-account.name": "default"},
        },
    },
}


@pytest.mark.parametrize("case", SECRETS)
def test_no_secret_is_made_but_the_operators_own(namespace: Namespace, operator: Rest, case: str) -> None:
    made = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": "loadtest-operator-command-key"},
        **SECRETS[case],
    }
    made["metadata"]["namespace"] = OPERATOR_NAMESPACE

    assert "the operator makes no Secret but its own" in refusal(operator, namespace, "secrets", made)


def test_no_event_is_made_of_anything_but_a_loadtest(namespace: Namespace, operator: Rest) -> None:
    made = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "forged", "namespace": namespace.name},
        "involvedObject": {"kind": "Pod", "apiVersion": "v1", "name": "database", "namespace": namespace.name},
        "reason": "OOMKilled",
        "type": "Warning",
    }

    assert "reports Events of LoadTests alone" in refusal(operator, namespace, "events", made)
