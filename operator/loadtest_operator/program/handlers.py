"""What rings the bell for LoadTests: kopf watches them, and every event is noted in the roster and puts the key of its
LoadTest on the queue. Nothing is written. Jobs and pods are followed by `observe/children`."""

from collections.abc import Callable
from typing import Any, Final

import kopf

from loadtest_model.spec import GROUP, PLURAL, VERSION
from loadtest_operator.cluster.login import connection_info
from loadtest_operator.observe.memory import Key
from loadtest_operator.observe.roster import Roster

Json = dict[str, Any]

# kopf gives up on an API server after its last back-off; these add up to ten minutes.
_OUTAGE_BACKOFFS_SECONDS: Final = (1, 1, 2, 3, 5, 8, 13, 21, *([30] * 19))


def watching_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = _OUTAGE_BACKOFFS_SECONDS
    settings.process.ultimate_exiting_timeout = None
    return settings


def watching_registry(
    add: Callable[[Key], None], roster: Roster, is_in_line: Callable[[Key], bool]
) -> kopf.OperatorRegistry:
    """The handlers. An event that only echoes what this operator has written needs no turn.

    `is_in_line` says of a test whether it is woken when it is its turn: only news of its own are worth a look before.
    """
    registry = kopf.OperatorRegistry()

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await connection_info()

    async def loadtest(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002 - kopf's name for it
        resource = dict(body)
        metadata = resource["metadata"]
        key = (str(metadata["namespace"]), str(metadata["name"]))
        if type == "DELETED":
            roster.forget_test(metadata["uid"])
        elif not roster.see_test(resource) and (is_in_line(key) or roster.is_own_write(metadata)):
            return
        add(key)

    kopf.on.login(registry=registry)(login)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(loadtest)
    return registry
