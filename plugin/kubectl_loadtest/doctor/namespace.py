"""Checks of one namespace: what the user may do there, what tests may name, and whether their pods can be reached."""

from collections.abc import Iterator
from typing import Any, Final

from kubectl_loadtest.doctor.deployments import environment_of, name_of, watches
from kubectl_loadtest.doctor.facts import Facts, Right, rights_text
from kubectl_loadtest.doctor.findings import Finding, note, ok, problem
from kubectl_loadtest.doctor.installation import MOST_NAMES, first_names
from loadtest_model.quantities import count_text
from loadtest_model.reasons import Reason
from loadtest_model.spec import GROUP, PLURAL

Json = dict[str, Any]

_NEEDED: Final = {
    "to run and stop tests": (Right("create", GROUP, PLURAL), Right("patch", GROUP, PLURAL)),
    "to watch tests": (Right("get", GROUP, PLURAL), Right("list", GROUP, PLURAL), Right("watch", GROUP, PLURAL)),
    "to read results": (Right("get", "", "configmaps"), Right("list", "", "configmaps")),
    "to read Events": (Right("list", "", "events"),),
    "to read logs": (Right("list", "", "pods"), Right("get", "", "pods/log")),
}


def check_user_rights(facts: Facts) -> Iterator[Finding]:
    """What the user may do with tests and what belongs to them."""
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
        parts = (f"{rights_text(missing)} ({purpose})" for purpose, missing in lacking.items())
        yield problem(
            "your rights",
            f"in namespace {facts.namespace} you may not {'; '.join(parts)}",
            "have an administrator bind the role `edit` there to you (it has the rights on LoadTests if"
            " users.aggregate of the operator's values is true, the default), or one with these rights",
        )
    if granted:
        yield ok("your rights", ", ".join(granted))


def check_secrets(facts: Facts) -> Iterator[Finding]:
    """Whether tests may name Secrets."""
    for deployment in facts.deployments or ():
        if not watches(deployment, facts.namespace):
            continue
        policy = environment_of(deployment).get("LOADTEST_SECRET_ACCESS", "")
        if not policy:
            yield note(
                "Secrets",
                f"{name_of(deployment)} runs no test that names a Secret ({Reason.SecretAccessUnchecked})",
                "have admission.secretAccess switched on in the operator's values",
            )
        elif facts.policies is not None and not _is_in_force(policy, facts):
            yield problem(
                "Secrets",
                f"{name_of(deployment)} relies on the policy {policy}, which is not in force: tests that name a Secret"
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


def check_reach(facts: Facts) -> Iterator[Finding]:
    """Whether the operator can reach the pods of tests, by what tests met and what NetworkPolicies say."""
    blocked = [test.name for test in facts.tests or () if test.status.get("reason") == Reason.ControlBlocked]
    if blocked:
        yield problem(
            "pods",
            f"the operator got no answer from the pods of {', '.join(blocked[:MOST_NAMES])}",
            Reason.ControlBlocked.advice,
        )
    isolating = [each["metadata"]["name"] for each in facts.network_policies or () if _isolates_all_pods(each)]
    makes_policies = any(
        environment_of(each).get("LOADTEST_NETWORK_POLICY") == "true"
        for each in facts.deployments or ()
        if watches(each, facts.namespace)
    )
    if isolating and facts.deployments is not None and not makes_policies:
        yield problem(
            "pods",
            f"NetworkPolicy {first_names(isolating)} lets nothing reach the pods of namespace {facts.namespace}, and"
            " the operator makes none for its own (pods.networkPolicy is false)",
            "let the operator's namespace reach port 8089 of the pods, or have pods.networkPolicy set to true",
        )
    elif isolating and makes_policies:
        yield ok(
            "pods",
            f"NetworkPolicy {first_names(isolating)} isolates them; each run brings one that lets the operator in",
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


def check_first_test(facts: Facts) -> Iterator[Finding]:
    """Whether the API server would take a test, and whether results are missing of earlier ones."""
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
            f"there are none of {', '.join(without_results[:MOST_NAMES])}",
            "`kubectl loadtest describe NAME` says why (ResultsNotWritten)",
        )
    elif tests:
        yield ok("results", f"nothing is missing of {count_text(len(tests), 'test')} in the namespace")
