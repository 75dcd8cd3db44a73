"""What the operator says of itself when it starts: one line with what decides what it will do."""

from loadtest_model.plan.bounds import NEVER_TARGETS
from loadtest_operator.facts.secret_access import INSTALLED_BY_ADMIN
from loadtest_operator.messages.webhooks import WebhookFile
from loadtest_operator.policy.line import NO_LIMIT, Limits
from loadtest_operator.program.settings import Settings


def introduction(settings: Settings, version: str) -> str:
    """Version, namespaces, limits, policies, and who is at work where there are several."""
    policy = settings.policy
    parts = [
        f"loadtest-operator {version}",
        f"image of the pods: {policy.pods.image}",
        f"namespaces watched: {', '.join(settings.namespaces) or 'all'}",
        f"limits: {_limits(policy.limits)}",
        f"targets: {', '.join(policy.targets.patterns) or 'none'}",
        f"networks: {_networks(settings)}",
        f"Secrets: {_secrets(settings.secret_policy)}",
        f"NetworkPolicies of runs: {'none' if policy.network_policies is None else 'made'}",
        f"webhooks: {_webhooks(settings)}",
        f"archive: {settings.archive or 'none'}",
        f"leadership: {_leadership(settings)}",
    ]
    return "; ".join(parts)


def _networks(settings: Settings) -> str:
    network = settings.policy.network
    denied = [each for each in network.denied if each not in NEVER_TARGETS]
    allowed = ", ".join(network.allowed) or "all"
    return f"{allowed} without {', '.join(denied)}" if denied else allowed


def _limits(limits: Limits) -> str:
    numbers = (
        (limits.tests, "tests"),
        (limits.pods, "pods"),
        (limits.pods_per_test, "pods a test"),
    )
    return ", ".join(f"{'any number of' if number == NO_LIMIT else number} {what}" for number, what in numbers)


def _secrets(policy: str) -> str:
    if policy == INSTALLED_BY_ADMIN:
        return "an administrator vouches for who names them"
    return f"checked by ValidatingAdmissionPolicy {policy}" if policy else "nobody checks them, so no test may name one"


def _webhooks(settings: Settings) -> str:
    webhooks = WebhookFile(settings.webhooks_file).current()
    return ", ".join(f"{webhook.name} ({webhook.format})" for webhook in webhooks) or "none"


def _leadership(settings: Settings) -> str:
    if not settings.lease:
        return "the only replica"
    return f"{settings.pod_name} shares the Lease {settings.own_namespace}/{settings.lease}"
