"""Checks of what an administrator installs: the CRD, the operator with its rights, and the admission policies."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kubectl_loadtest.doctor.deployments import name_of, watches
from kubectl_loadtest.doctor.facts import OPERATOR_RIGHTS, Facts, rights_text
from kubectl_loadtest.doctor.findings import Finding, note, ok, problem
from loadtest_model.admission.crd import custom_resource_definition
from loadtest_model.spec import GROUP, PLURAL, VERSION

Json = dict[str, Any]

MOST_NAMES: Final = 3

_INSTALL: Final = "an administrator installs the operator with its CustomResourceDefinition: see docs/install.md"


def check_definition(facts: Facts) -> Iterator[Finding]:
    """Whether LoadTests are served, with the fields that this program knows."""
    if facts.schema is None:
        yield problem("CRD", f"the API server does not serve {PLURAL}.{GROUP}/{VERSION}", _INSTALL)
        return
    (own_version,) = custom_resource_definition()["spec"]["versions"]
    own, there = (set(_field_paths(schema)) for schema in (own_version["schema"]["openAPIV3Schema"], facts.schema))
    missing, unknown = sorted(own - there), sorted(there - own)
    if missing:
        yield note(
            "CRD",
            f"{PLURAL}.{GROUP}/{VERSION} is older than this plugin: it lacks {first_names(missing)}",
            "have the operator upgraded, with its CustomResourceDefinition, before these fields are used",
        )
    elif unknown:
        yield note(
            "CRD",
            f"{PLURAL}.{GROUP}/{VERSION} is newer than this plugin, which does not know {first_names(unknown)}",
            "upgrade the plugin if you need options for them",
        )
    else:
        yield ok("CRD", f"{PLURAL}.{GROUP}/{VERSION}, with the fields that this plugin knows")


def _field_paths(schema: Json, path: str = "") -> Iterator[str]:
    """The paths of a spec's and a status's fields."""
    for name, child in (schema.get("properties") or {}).items():
        if not path and name not in ("spec", "status"):
            continue
        child_path = f"{path}.{name}" if path else name
        yield child_path
        yield from _field_paths(child, child_path)
        yield from _field_paths(child.get("items") or {}, child_path)


def first_names(names: Sequence[str]) -> str:
    """The first of some names; of a field that is missing, not its own fields too."""
    tops = [name for name in names if name.rpartition(".")[0] not in names]
    more = "" if len(tops) <= MOST_NAMES else f" and {len(tops) - MOST_NAMES} more"
    return f"{', '.join(tops[:MOST_NAMES])}{more}"


def check_operators(facts: Facts, version: str) -> Iterator[Finding]:
    """Whether an operator works for the namespace, and which one."""
    if facts.deployments is None:
        yield from _operator_by_its_work(facts)
        return
    if not facts.deployments:
        yield problem("operator", "no Deployment of an operator is in the cluster", _INSTALL)
        return
    watching = [each for each in facts.deployments if watches(each, facts.namespace)]
    if not watching:
        places = ", ".join(name_of(each) for each in facts.deployments)
        yield problem(
            "operator",
            f"{places} does not watch namespace {facts.namespace}",
            f"run the test in a namespace that it watches, or have {facts.namespace} added to watch.namespaces in the"
            " operator's values",
        )
    for deployment in watching:
        yield _operator(deployment, facts.operator_pods or (), version)


def _operator(deployment: Json, pods: Sequence[Json], version: str) -> Finding:
    metadata, status = deployment["metadata"], deployment.get("status") or {}
    installed = (metadata.get("labels") or {}).get("app.kubernetes.io/version", "of an unknown version")
    text = f"{name_of(deployment)} {installed}"
    if not status.get("availableReplicas"):
        wanted = deployment["spec"].get("replicas", 1)
        if wanted == 0:
            return problem("operator", f"{text} is scaled to 0", f"have it scaled up: operator.replicas of {text}")
        causes = [
            cause for pod in pods if pod["metadata"]["namespace"] == metadata["namespace"] for cause in _pod_causes(pod)
        ]
        return problem(
            "operator",
            f"{text} is not available" + (f": {'; '.join(dict.fromkeys(causes))}" if causes else ""),
            f"look at kubectl --namespace {metadata['namespace']} describe pods and logs deployment/{metadata['name']}",
        )
    if installed != version:
        return note(
            "operator", f"{text} is available; this plugin is {version}", "upgrade the older one when it is convenient"
        )
    return ok("operator", f"{text} is available")


def _pod_causes(pod: Json) -> Iterator[str]:
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        for state in (container.get("state") or {}).values():
            if state.get("reason"):
                message = state.get("message", "").strip().splitlines()
                yield state["reason"] + (f" ({message[-1]})" if message else "")


def _operator_by_its_work(facts: Facts) -> Iterator[Finding]:
    """Whether an operator works, where it cannot be looked for: by what the tests of the namespace say."""
    tests = facts.tests or ()
    waiting = [test.name for test in tests if not test.is_observed]
    if waiting:
        yield note(
            "operator",
            f"your rights do not show it, and no operator has looked at {', '.join(waiting[:MOST_NAMES])}",
            "if that stays so, ask an administrator whether the operator runs and watches this namespace",
        )
    elif tests:
        yield ok("operator", "your rights do not show it, but it has looked at every test of the namespace")
    else:
        yield note(
            "operator",
            "your rights do not show whether it runs (list deployments in all namespaces)",
            "a first test tells: it leaves Queued within seconds",
        )


def check_operator_rights(facts: Facts) -> Iterator[Finding]:
    """Whether it may do there what a test needs."""
    if facts.operator_rights is None or facts.deployments is None:
        return
    for deployment in facts.deployments:
        account = (
            f"{deployment['metadata']['namespace']}/"
            f"{deployment['spec']['template']['spec'].get('serviceAccountName', 'default')}"
        )
        if not watches(deployment, facts.namespace):
            continue
        missing = [right for right in OPERATOR_RIGHTS if not facts.operator_rights.get(account, {}).get(right)]
        if missing:
            yield problem(
                "operator's rights",
                f"ServiceAccount {account} may not {rights_text(missing)} in namespace {facts.namespace}",
                "have the chart's Roles applied (rbac.yaml), or watch.namespaces extended",
            )
        else:
            yield ok("operator's rights", f"all that a test needs in namespace {facts.namespace}")


def check_policies(facts: Facts) -> Iterator[Finding]:
    """Whether its admission policies are in force, where they can be seen."""
    if facts.policies is None or facts.bindings is None:
        yield note("policies", "your rights do not show the admission policies of the operator")
        return
    bound = {binding["spec"]["policyName"] for binding in facts.bindings}
    names = [policy["metadata"]["name"] for policy in facts.policies]
    unbound = [name for name in names if name not in bound]
    if unbound:
        yield problem(
            "policies",
            f"{first_names(unbound)} is there without a binding, so it refuses nothing",
            "have the operator's chart applied again",
        )
    elif names:
        yield ok("policies", f"of the operator, in force: {len(names)}")
    else:
        yield note(
            "policies",
            "no admission policy of the operator is installed; it checks targets itself, and runs no test that names a"
            " Secret",
            "see docs/security.md, and admission in the operator's values",
        )
