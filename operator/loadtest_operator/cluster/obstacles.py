"""Why the operator cannot begin its work, in words that name what is missing and what to do."""

from typing import TYPE_CHECKING, Final

from loadtest_model.spec import GROUP, PLURAL, VERSION

if TYPE_CHECKING:
    # The log asks here too, and must not wait for the Kubernetes client, which takes seconds to load.
    from loadtest_operator.cluster.api import ApiError

NO_RIGHT: Final = 403
NO_SUCH_KIND: Final = 404
REFUSALS: Final = frozenset({NO_RIGHT, NO_SUCH_KIND})
"""What the API server answers if a kind, such as a CustomResourceDefinition's, or the right to it is missing."""

_STARTS_BY_ITSELF: Final = "the operator goes on by itself as soon as it is there"


def about_loadtests(error: "ApiError", namespace: str | None) -> str:
    """Why LoadTests cannot be listed, of one namespace or of all."""
    if error.status == NO_SUCH_KIND:
        return (
            f"the CustomResourceDefinition {PLURAL}.{GROUP} is missing, so the API server serves no LoadTest"
            f" ({VERSION}); apply crds/{PLURAL}.yaml, or install the chart with crds.install: true; {_STARTS_BY_ITSELF}"
        )
    if error.is_forbidden:
        where = f"namespace {namespace}" if namespace else "the cluster"
        return (
            f"the operator may not list LoadTests in {where} ({error.message}); install the chart with its roles, with"
            f" watch.namespaces set to the namespaces to be watched; {_STARTS_BY_ITSELF}"
        )
    return about_the_api_server(error)


def about_the_key(error: "ApiError", namespace: str) -> str:
    """Why the key of the commands cannot be had, which is kept in a Secret of the operator's own namespace."""
    if error.status in REFUSALS:
        return (
            f"the operator may not keep its Secret in namespace {namespace} ({error.message}); install the chart with"
            f" its roles; {_STARTS_BY_ITSELF}"
        )
    return about_the_api_server(error)


def about_a_right(message: str) -> str:
    """Why something that tests consist of cannot be watched, by what the API server said."""
    return (
        f"the operator may not watch all that tests consist of ({message}); install the chart with its roles; the"
        " operator goes on by itself as soon as it may"
    )


def about_a_watched_kind(error: "ApiError", namespace: str | None, *, loadtests: bool) -> str:
    """Why a kind that was watched before cannot be listed any more."""
    if loadtests:
        return about_loadtests(error, namespace)
    return about_a_right(error.message) if error.status in REFUSALS else about_the_api_server(error)


def about_the_api_server(error: "ApiError") -> str:
    return f"waiting for the API server: {error}"
