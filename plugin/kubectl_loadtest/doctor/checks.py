"""Findings from facts: is everything there that a test needs, and what helps where it is not."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from kubectl_loadtest.doctor.facts import OPERATOR_RIGHTS, Facts, Right
from kubectl_loadtest.doctor.findings import Finding, note, ok, problem
from loadtest_model.admission.crd import custom_resource_definition
from loadtest_model.quantities import count_text
from loadtest_model.reasons import Reason
from loadtest_model.spec import GROUP, PLURAL, VERSION

Json = dict[str, Any]

_INSTALL: Final = "an administrator installs the operator with its CustomResourceDefinition: see docs/install.md"
_MOST_NAMES: Final = 3
_NEEDED: Final = {
    "to run and stop tests": (Right("create", GROUP, PLURAL), Right("patch", GROUP, PLURAL)),
    "to watch tests": (Right("get", GROUP, PLURAL), Right("list", GROUP, PLURAL), Right("watch", GROUP, PLURAL)),
    "to read results": (Right("get", "", "configmaps"), Right("list", "", "configmaps")),
    "to read Events": (Right("list", "", "events"),),
    "to read logs": (Right("list", "", "pods"), Right("get", "", "pods/log")),
}


def findings_of(facts: Facts, version: str) -> list[Finding]:
    """All findings, in the order in which they would stop a test. `version` is that of this program."""
    if facts.unreachable:
        return [
            problem(
                "API server",
                facts.unreachable,
                "look at `kubectl config current-context`, or name another context by --context",
            )
        ]
    findings = [ok("API server", f"{facts.server_version}; namespace {facts.namespace}")]
    for check in (
        _definition,
        lambda facts: _operators(facts, version),
        _operator_rights,
        _user_rights,
        _policies,
        _secrets,
        _reach,
        _dry_run,
    ):
        findings.extend(check(facts))
    return findings


def _definition(facts: Facts) -> Iterator[Finding]:
    if facts.schema is None:
        yield problem("CRD", f"the API server does not serve {PLURAL}.{GROUP}/{VERSION}", _INSTALL)
        return
    (own_version,) = custom_resource_definition()["spec"]["versions"]
    own, there = (set(_field_paths(schema)) for schema in (own_version["schema"]["openAPIV3Schema"], facts.schema))
    missing, unknown = sorted(own - there), sorted(there - own)
    if missing:
        yield note(
            "CRD",
            f"{PLURAL}.{GROUP}/{VERSION} is older than this plugin: it lacks {_names(missing)}",
            "have the operator upgraded, with its CustomResourceDefinition, before these fields are used",
        )
    elif unknown:
        yield note(
            "CRD",
            f"{PLURAL}.{GROUP}/{VERSION} is newer than this plugin, which does not know {_names(unknown)}",
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


def _names(names: Sequence[str]) -> str:
    # A field that is missing takes its own fields with it.
    tops = [name for name in names if name.rpartition(".")[0] not in names]
    more = "" if len(tops) <= _MOST_NAMES else f" and {len(tops) - _MOST_NAMES} more"
    return f"{', '.join(tops[:_MOST_NAMES])}{more}"


def _operators(facts: Facts, version: str) -> Iterator[Finding]:
    if facts.deployments is None:
        yield from _operator_by_its_work(facts)
        return
    if not facts.deployments:
        yield problem("operator", "no Deployment of an operator is in the cluster", _INSTALL)
        return
    watching = [each for each in facts.deployments if _watches(each, facts.namespace)]
    if not watching:
        places = ", ".join(_name(each) for each in facts.deployments)
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
    text = f"{_name(deployment)} {installed}"
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
            f"your rights do not show it, and no operator has looked at {', '.join(waiting[:_MOST_NAMES])}",
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


def _operator_rights(facts: Facts) -> Iterator[Finding]:
    if facts.operator_rights is None or facts.deployments is None:
        return
    for deployment in facts.deployments:
        account = (
            f"{deployment['metadata']['namespace']}/"
            f"{deployment['spec']['template']['spec'].get('serviceAccountName', 'default')}"
        )
        if not _watches(deployment, facts.namespace):
            continue
        missing = [right for right in OPERATOR_RIGHTS if not facts.operator_rights.get(account, {}).get(right)]
        if missing:
            yield problem(
                "operator's rights",
                f"ServiceAccount {account} may not {_list(missing)} in namespace {facts.namespace}",
                "have the chart's Roles applied (rbac.yaml), or watch.namespaces extended",
            )
        else:
            yield ok("operator's rights", f"all that a test needs in namespace {facts.namespace}")


def _user_rights(facts: Facts) -> Iterator[Finding]:
    if not facts.rights:
        yield note("your rights", "the API server does not tell them", "try; it says what it refuses")
        return
    lacking = {
        purpose: missing
        for purpose, rights in _NEEDED.items()
        if (missing := [right for right in rights if not facts.rights.get(right)])
    }
    granted = [purpose for purpose in _NEEDED if purpose not in lacking]
    if lacking:
        parts = (f"{_list(missing)} ({purpose})" for purpose, missing in lacking.items())
        yield problem(
            "your rights",
            f"in namespace {facts.namespace} you may not {'; '.join(parts)}",
            "have an administrator bind the role `edit` there to you (it has the rights on LoadTests if"
            " users.aggregate of the operator's values is true, the default), or one with these rights",
        )
    if granted:
        yield ok("your rights", ", ".join(granted))


def _policies(facts: Facts) -> Iterator[Finding]:
    if facts.policies is None or facts.bindings is None:
        yield note("policies", "your rights do not show the admission policies of the operator")
        return
    bound = {binding["spec"]["policyName"] for binding in facts.bindings}
    names = [policy["metadata"]["name"] for policy in facts.policies]
    unbound = [name for name in names if name not in bound]
    if unbound:
        yield problem(
            "policies",
            f"{_names(unbound)} is there without a binding, so it refuses nothing",
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


def _secrets(facts: Facts) -> Iterator[Finding]:
    for deployment in facts.deployments or ():
        if not _watches(deployment, facts.namespace):
            continue
        policy = _environment(deployment).get("LOADTEST_SECRET_ACCESS", "")
        if not policy:
            yield note(
                "Secrets",
                f"{_name(deployment)} runs no test that names a Secret ({Reason.SecretAccessUnchecked})",
                "have admission.secretAccess switched on in the operator's values",
            )
        elif facts.policies is not None and not _is_in_force(policy, facts):
            yield problem(
                "Secrets",
                f"{_name(deployment)} relies on the policy {policy}, which is not in force: tests that name a Secret"
                f" wait ({Reason.SecretAccessUnchecked})",
                "have the operator's chart applied again by an administrator of the cluster",
            )
    if facts.rights and not facts.rights.get(Right("get", "", "secrets")):
        yield note(
            "Secrets",
            f"you may not get Secrets in namespace {facts.namespace}, so no test of yours may name one",
            "have a Role bound to you that allows get on the Secrets that your tests name",
        )
    elif facts.rights:
        yield ok("Secrets", f"you may get them in namespace {facts.namespace}, so your tests may name them")


def _is_in_force(policy: str, facts: Facts) -> bool:
    return policy == "installed-by-admin" or any(
        binding["spec"]["policyName"] == policy for binding in facts.bindings or ()
    )


def _reach(facts: Facts) -> Iterator[Finding]:
    """Whether the operator can reach the pods of tests, by what tests met and what NetworkPolicies say."""
    blocked = [test.name for test in facts.tests or () if test.status.get("reason") == Reason.ControlBlocked]
    if blocked:
        yield problem(
            "pods",
            f"the operator got no answer from the pods of {', '.join(blocked[:_MOST_NAMES])}",
            Reason.ControlBlocked.advice,
        )
    isolating = [each["metadata"]["name"] for each in facts.network_policies or () if _isolates_all_pods(each)]
    makes_policies = any(
        _environment(each).get("LOADTEST_NETWORK_POLICY") == "true"
        for each in facts.deployments or ()
        if _watches(each, facts.namespace)
    )
    if isolating and facts.deployments is not None and not makes_policies:
        yield problem(
            "pods",
            f"NetworkPolicy {_names(isolating)} lets nothing reach the pods of namespace {facts.namespace}, and the"
            " operator makes none for its own (pods.networkPolicy is false)",
            "let the operator's namespace reach port 8089 of the pods, or have pods.networkPolicy set to true",
        )
    elif isolating and makes_policies:
        yield ok(
            "pods", f"NetworkPolicy {_names(isolating)} isolates them; each run brings one that lets the operator in"
        )
    elif not blocked:
        yield ok("pods", "nothing that can be seen keeps the operator from reaching the pods of tests")
    labels = ((facts.namespace_object or {}).get("metadata") or {}).get("labels") or {}
    if labels.get("istio-injection") == "enabled":
        yield note(
            "pods", f"a mesh injects sidecars into namespace {facts.namespace}", "see spec.pod.mesh in docs/pods.md"
        )


def _isolates_all_pods(policy: Json) -> bool:
    spec = policy.get("spec") or {}
    return not spec.get("podSelector") and "Ingress" in spec.get("policyTypes", ["Ingress"]) and not spec.get("ingress")


def _dry_run(facts: Facts) -> Iterator[Finding]:
    if facts.schema is None or not facts.rights.get(Right("create", GROUP, PLURAL), True):
        return
    if facts.dry_run_refusal:
        yield problem(
            "a first test",
            f"the API server would not take one: {facts.dry_run_refusal}",
            "do what the message says; a target that is no Service must be among policy.targets of the operator's"
            " values",
        )
    else:
        yield ok("a first test", f"the API server would take one in namespace {facts.namespace} (dry run)")
    tests = facts.tests or ()
    without_results = [
        test.name for test in tests if test.is_completed and test.status.get("startedAt") and not test.results_name
    ]
    if without_results:
        yield note(
            "results",
            f"there are none of {', '.join(without_results[:_MOST_NAMES])}",
            "`kubectl loadtest describe NAME` says why (ResultsNotWritten)",
        )
    elif tests:
        yield ok("results", f"nothing is missing of {count_text(len(tests), 'test')} in the namespace")


def _watches(deployment: Json, namespace: str) -> bool:
    namespaces = _environment(deployment).get("LOADTEST_WATCH_NAMESPACES", "")
    return not namespaces or namespace in namespaces.split(",")


def _environment(deployment: Json) -> dict[str, str]:
    return {
        variable["name"]: variable.get("value", "")
        for container in deployment["spec"]["template"]["spec"]["containers"]
        for variable in container.get("env") or ()
    }


def _name(deployment: Json) -> str:
    return f"{deployment['metadata']['namespace']}/{deployment['metadata']['name']}"


def _list(rights: Sequence[Right]) -> str:
    return ", ".join(map(str, rights))
