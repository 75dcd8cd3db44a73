"""The operator of the tests' cluster with its live pages turned on, as the chart does it."""

from collections.abc import Iterator
from contextlib import contextmanager

from localcluster.rest import Json, Rest
from support.manifest_tools import chart_objects
from support.operators import reinstall

PORT = 8082


@contextmanager
def operator_with_pages(rest: Rest) -> Iterator[None]:
    """Give the operator the setting and the right that come with `ui.enabled`, until the block ends."""
    (role,) = (each for each in chart_objects({"ui": {"enabled": True, "port": PORT}}) if _is_role_of_operator(each))
    reinstall(rest, LOADTEST_UI_PORT=str(PORT))
    rest.apply(role)
    try:
        yield
    finally:
        reinstall(rest)


def _is_role_of_operator(document: Json) -> bool:
    return bool(document["kind"] == "ClusterRole" and document["metadata"]["name"] == "loadtest-operator")
