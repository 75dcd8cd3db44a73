"""What each cause of a failure means and what to do about it, as docs/troubleshooting.md groups them."""

from typing import Final

from loadtest_model.explanations.connections import NO_COMPLETE_ANSWER, NO_CONNECTION
from loadtest_model.explanations.explanation import Explanation
from loadtest_model.explanations.targets import GENERATOR, LOAD_TEST_CONTRACT, PROXY, TARGET_UNDER_LOAD
from loadtest_model.explanations.uploads import AUTHENTICATION, DESTINATION, UPLOADED_CONTENT
from loadtest_model.measurement.causes import Cause

EXPLANATION_GROUPS: Final = {
    "No connection": NO_CONNECTION,
    "No complete answer": NO_COMPLETE_ANSWER,
    "Who uploads: tokens, permissions, CSRF and CORS": AUTHENTICATION,
    "Where to: host, path and redirects": DESTINATION,
    "What is uploaded: field, size and content": UPLOADED_CONTENT,
    "The load-test contract": LOAD_TEST_CONTRACT,
    "The target under load": TARGET_UNDER_LOAD,
    "A proxy in the way": PROXY,
    "The generator itself": GENERATOR,
}

_EXPLANATIONS: Final = {
    cause: explanation for group in EXPLANATION_GROUPS.values() for cause, explanation in group.items()
}


def explanation_of(cause: Cause) -> Explanation:
    return _EXPLANATIONS[cause]
