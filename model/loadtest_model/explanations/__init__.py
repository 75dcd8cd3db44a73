"""What each cause of a failure means and what to do about it, as docs/troubleshooting.md groups them."""

from typing import Final

from loadtest_model.explanations.connections import NO_COMPLETE_ANSWER, NO_CONNECTION
from loadtest_model.explanations.explanation import Explanation
from loadtest_model.explanations.targets import A_PROXY, THE_CONTRACT, THE_GENERATOR, THE_TARGET
from loadtest_model.explanations.uploads import WHAT_IS_UPLOADED, WHERE_TO, WHO_UPLOADS
from loadtest_model.measurement.causes import Cause

GROUPS: Final = {
    "No connection": NO_CONNECTION,
    "No complete answer": NO_COMPLETE_ANSWER,
    "Who uploads: tokens, permissions, CSRF and CORS": WHO_UPLOADS,
    "Where to: host, path and redirects": WHERE_TO,
    "What is uploaded: field, size and content": WHAT_IS_UPLOADED,
    "The load-test contract": THE_CONTRACT,
    "The target under load": THE_TARGET,
    "A proxy in the way": A_PROXY,
    "The generator itself": THE_GENERATOR,
}

_EXPLANATIONS: Final = {cause: explanation for group in GROUPS.values() for cause, explanation in group.items()}


def explanation_of(cause: Cause) -> Explanation:
    return _EXPLANATIONS[cause]
