"""What LoadTests leave behind that were deleted while the garbage collector was told to keep it."""

import logging
from collections.abc import Collection, Iterable
from typing import Any, Final

from loadtest_operator.cluster.api import Api, ApiError
from loadtest_operator.facts.resources import owner_uid

_LOG: Final = logging.getLogger(__name__)

Json = dict[str, Any]


async def remove_orphans(api: Api, kind: str, children: Iterable[Json], uids: Collection[str]) -> None:
    """Remove the children of a kind whose LoadTest is none of these UIDs; pods stop with their Job.

    One that the API server does not let go keeps none of the others. Raises ApiError in an outage.
    """
    what = kind.rpartition("/")[2]
    for child in children:
        metadata = child["metadata"]
        if owner_uid(child) in uids or "deletionTimestamp" in metadata:
            continue
        _LOG.info("%s/%s: removing %s of a test that is gone", metadata["namespace"], metadata["name"], what)
        try:
            await api.delete(kind, metadata["namespace"], metadata["name"], metadata["uid"])
        except ApiError as error:
            if not error.is_final:
                raise
            _LOG.warning("%s/%s: not removed: %s", metadata["namespace"], metadata["name"], error)
