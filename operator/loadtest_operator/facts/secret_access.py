"""Whether the API server has checked that whoever made a LoadTest may read the Secrets it names.

Only the API server knows who that was, so the operator looks whether the policy that asks is in force, and runs no
test that names a Secret where it is not.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from loadtest_model.reasons import Reason
from loadtest_model.spec import Spec
from loadtest_operator.facts.mounts import MountSource, mounted_volumes

Json = dict[str, Any]

INSTALLED_BY_ADMIN: Final = "installed-by-admin"
SETTING: Final = "admission.secretAccess"
IN_FORCE_AFTER: Final = timedelta(seconds=3)
"""API servers look for new policies every second or so; times in metadata are cut to whole ones."""


@dataclass(frozen=True)
class SecretAccess:
    """Why a test that names Secrets may not run; without a `problem` it may.

    A `is_lasting` one is not mended by waiting.
    """

    problem: Reason | None = None
    message: str = ""
    is_lasting: bool = False


def named_secrets(spec: Spec) -> tuple[str, ...]:
    """Every Secret that the pods of a test would be given, each once."""
    mounted_secrets = [
        volume.object_name for volume in mounted_volumes(spec.target) if volume.kind is MountSource.SECRET
    ]
    pull_secrets = [secret.name for secret in spec.pod.image_pull_secrets or []]
    return tuple(dict.fromkeys([*mounted_secrets, *pull_secrets]))


def unchecked_access(why: str) -> SecretAccess:
    """What to say where no policy is in force."""
    return SecretAccess(
        Reason.SecretAccessUnchecked,
        f"the test names Secrets, and nothing checks whether its author may read them: {why}; an administrator sets"
        f" {SETTING} in the chart's values to true, or to {INSTALLED_BY_ADMIN} once the policy was installed otherwise",
    )


def access_under_policy(name: str, policy: Json | None, binding: Json | None, created: datetime) -> SecretAccess:
    """What the policy and its binding of this name, as JSON, mean for a test created at that time."""
    if policy is None:
        return unchecked_access(f"there is no ValidatingAdmissionPolicy {name}")
    if binding is None:
        return unchecked_access(f"there is no ValidatingAdmissionPolicyBinding {name}")
    lacking = _policy_gap(name, policy["spec"], binding["spec"])
    if lacking:
        return unchecked_access(lacking)
    since = max(datetime.fromisoformat(rule["metadata"]["creationTimestamp"]) for rule in (policy, binding))
    if created < since + IN_FORCE_AFTER:
        return SecretAccess(
            Reason.SecretAccessUnchecked,
            f"the test names Secrets and was created before ValidatingAdmissionPolicy {name} was in force"
            f" ({since:%Y-%m-%d %H:%M:%S} UTC), so nothing checked whether its author may read them; delete the test"
            " and apply it again",
            is_lasting=True,
        )
    return SecretAccess()


def _policy_gap(name: str, policy: Json, binding: Json) -> str:
    if policy.get("failurePolicy", "Fail") != "Fail":
        return f"ValidatingAdmissionPolicy {name} lets a test pass when it cannot be evaluated"
    if binding.get("policyName") != name:
        return f"ValidatingAdmissionPolicyBinding {name} binds another policy"
    if "Deny" not in binding.get("validationActions", []):
        return f"ValidatingAdmissionPolicyBinding {name} does not deny"
    if binding.get("matchResources"):
        return f"ValidatingAdmissionPolicyBinding {name} is narrowed by matchResources"
    return ""
