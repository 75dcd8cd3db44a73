"""What deleted tests leave behind is removed, whatever stands among it."""

from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from loadtest_model.report.labels import UID_LABEL
from loadtest_operator.act.orphans import remove_orphans
from loadtest_operator.cluster.api import JOBS, Api, ApiError

FORBIDDEN = ApiError(403, "Forbidden", "ValidatingAdmissionPolicy denied it")
OUTAGE = ApiError(0, "Unreachable", "")


class Guarded(Api):
    """Lets go of everything but one Job."""

    def __init__(self, error: ApiError) -> None:
        super().__init__(Configuration())
        self._error = error
        self.removed: list[str] = []

    async def _request(self, _method: str, path: str, *_: Any, **__: Any) -> Any:
        name = path.rpartition("/")[2]
        if name == "guarded":
            raise self._error
        self.removed.append(name)
        return {}


def a_job(name: str, uid: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": "shop", "name": name, "uid": name, "labels": {UID_LABEL: uid}, **metadata}}


FOUND = (
    a_job("guarded", "gone"),
    a_job("kept", "here"),
    a_job("going", "gone", deletionTimestamp="2026-03-01T12:00:00Z"),
    a_job("left", "gone"),
)


async def test_one_that_may_not_be_removed_keeps_none_of_the_others() -> None:
    async with Guarded(FORBIDDEN) as api:
        await remove_orphans(api, JOBS, FOUND, {"here"})

        assert api.removed == ["left"]


async def test_an_outage_puts_all_off() -> None:
    async with Guarded(OUTAGE) as api:
        with pytest.raises(ApiError):
            await remove_orphans(api, JOBS, FOUND, {"here"})
