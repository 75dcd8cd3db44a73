"""The findings of `doctor`, from facts."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from kubectl_loadtest.commands.doctor import finding_lines
from kubectl_loadtest.doctor.checks import findings_of
from kubectl_loadtest.doctor.facts import OPERATOR_RIGHTS, USER_RIGHTS, Facts, Right
from kubectl_loadtest.doctor.findings import Finding, Level
from kubectl_loadtest.resources.load_test import LoadTest
from kubectl_loadtest.views.style import Style
from loadtest_model.admission.crd import custom_resource_definition
from loadtest_model.spec import GROUP

SCHEMA = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
ACCOUNT = "loadtest-system/loadtest-operator"
POLICY = "loadtest-operator-secret-access"


def deployment(available: int = 1, **environment: str) -> dict[str, Any]:
    variables = {"LOADTEST_SECRET_ACCESS": POLICY, "LOADTEST_NETWORK_POLICY": "true", **environment}
    env = [{"name": name, "value": value} for name, value in variables.items()]
    pod = {"serviceAccountName": "loadtest-operator", "containers": [{"name": "operator", "env": env}]}
    return {
        "metadata": {
            "namespace": "loadtest-system",
            "name": "loadtest-operator",
            "labels": {"app.kubernetes.io/version": "0.1.0"},
        },
        "spec": {"replicas": 1, "template": {"spec": pod}},
        "status": {"availableReplicas": available},
    }


SOUND = Facts(
    namespace="shop",
    server_version="v1.37.2",
    schema=SCHEMA,
    deployments=[deployment()],
    operator_pods=[],
    rights=dict.fromkeys(USER_RIGHTS, True),
    operator_rights={ACCOUNT: dict.fromkeys(OPERATOR_RIGHTS, True)},
    policies=[{"metadata": {"name": POLICY}}],
    bindings=[{"spec": {"policyName": POLICY}}],
    namespace_object={"metadata": {"labels": {}}},
    network_policies=[],
    tests=[],
)


def findings(facts: Facts) -> list[Finding]:
    return findings_of(facts, "0.1.0")


def problems(facts: Facts) -> list[Finding]:
    return [finding for finding in findings(facts) if finding.level is Level.PROBLEM]


def test_nothing_is_in_the_way_of_a_sound_installation() -> None:
    assert {finding.level for finding in findings(SOUND)} == {Level.OK}
    assert finding_lines(findings(SOUND), Style())[-1] == "nothing is in the way"


def without_field(schema: dict[str, Any]) -> dict[str, Any]:
    older: dict[str, Any] = copy.deepcopy(schema)
    del older["properties"]["spec"]["properties"]["thresholds"]
    return older


DENY_ALL = {"metadata": {"name": "deny"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}}
WAITING = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
OPERATOR_POD = {"metadata": {"namespace": "loadtest-system"}, "status": {"containerStatuses": [WAITING]}}
BLOCKED = LoadTest({"metadata": {"name": "light"}, "status": {"reason": "ControlBlocked"}})

IN_THE_WAY = {
    "no answer": (replace(SOUND, unreachable="Unable to connect to the server"), "Unable to connect"),
    "no CRD": (replace(SOUND, schema=None), "does not serve loadtests.x-load-test.dev/v1alpha1"),
    "no operator": (replace(SOUND, deployments=[]), "no Deployment of an operator"),
    "an operator that is down": (
        replace(SOUND, deployments=[deployment(0)], operator_pods=[OPERATOR_POD]),
        "not available: ImagePullBackOff (no such image)",
    ),
    "an operator of other namespaces": (
        replace(SOUND, deployments=[deployment(LOADTEST_WATCH_NAMESPACES="a,b")]),
        "does not watch namespace shop",
    ),
    "a right of the operator": (
        replace(SOUND, operator_rights={ACCOUNT: {**dict.fromkeys(OPERATOR_RIGHTS, True), OPERATOR_RIGHTS[1]: False}}),
        "may not create jobs.batch",
    ),
    "a right of the user": (
        replace(SOUND, rights={**SOUND.rights, Right("create", GROUP, "loadtests"): False}),
        "you may not create loadtests.x-load-test.dev",
    ),
    "results that cannot be read": (
        replace(SOUND, rights={**SOUND.rights, Right("get", "", "configmaps"): False}),
        "in namespace shop you may not get configmaps (to read results)",
    ),
    "a policy without its binding": (replace(SOUND, bindings=[]), "is there without a binding"),
    "a policy that the operator relies on": (replace(SOUND, policies=[], bindings=[]), "which is not in force"),
    "a NetworkPolicy": (
        replace(SOUND, deployments=[deployment(LOADTEST_NETWORK_POLICY="false")], network_policies=[DENY_ALL]),
        "NetworkPolicy deny lets nothing reach the pods",
    ),
    "pods that did not answer": (replace(SOUND, tests=[BLOCKED]), "got no answer from the pods of light"),
    "a test that is not taken": (replace(SOUND, dry_run_refusal="denied the request"), "would not take one: denied"),
}


@pytest.mark.parametrize("name", IN_THE_WAY)
def test_what_is_in_the_way_is_found_with_its_remedy(name: str) -> None:
    facts, text = IN_THE_WAY[name]

    found = problems(facts)

    assert any(text in finding.text for finding in found), found
    assert all(finding.remedy for finding in found)
    assert "in the way" in finding_lines(found, Style())[-1]


NOTED = {
    "an older CRD": (replace(SOUND, schema=without_field(SCHEMA)), "it lacks spec.thresholds"),
    "a newer CRD": (
        replace(
            SOUND,
            schema={
                "properties": {
                    **SCHEMA["properties"],
                    "spec": {"properties": {**SCHEMA["properties"]["spec"]["properties"], "tomorrow": {}}},
                }
            },
        ),
        "does not know spec.tomorrow",
    ),
    "an operator of another version": (SOUND, "this plugin is 9.9.9"),
    "what may not be seen": (
        replace(SOUND, deployments=None, operator_rights=None, policies=None, bindings=None),
        "your rights do not show",
    ),
    "Secrets of others": (
        replace(SOUND, rights={**SOUND.rights, Right("get", "", "secrets"): False}),
        "no test of yours may name one",
    ),
    "a NetworkPolicy beside those of runs": (replace(SOUND, network_policies=[DENY_ALL]), "lets the operator in"),
}


@pytest.mark.parametrize("name", NOTED)
def test_what_is_only_worth_knowing_is_no_problem(name: str) -> None:
    facts, text = NOTED[name]

    found = findings_of(facts, "9.9.9" if name == "an operator of another version" else "0.1.0")

    assert any(text in finding.text for finding in found), found
    assert not [finding for finding in found if finding.level is Level.PROBLEM]
