"""Findings from facts: is everything there that a test needs, and what helps where it is not."""

from kubectl_loadtest.doctor.facts import Facts
from kubectl_loadtest.doctor.findings import Finding, ok, problem
from kubectl_loadtest.doctor.installation import (
    check_definition,
    check_operator_rights,
    check_operators,
    check_policies,
)
from kubectl_loadtest.doctor.namespace import check_first_test, check_reach, check_secrets, check_user_rights


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
    reachable = ok("API server", f"{facts.server_version}; namespace {facts.namespace}")
    return [
        reachable,
        *check_definition(facts),
        *check_operators(facts, version),
        *check_operator_rights(facts),
        *check_user_rights(facts),
        *check_policies(facts),
        *check_secrets(facts),
        *check_reach(facts),
        *check_first_test(facts),
    ]
