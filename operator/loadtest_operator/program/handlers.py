"""What rings the bell: kopf watches, and every event is noted in the roster and puts the key of its LoadTest on the
queue. Nothing is written."""

from collections.abc import Callable
from typing import Any, Final

import kopf

from loadtest_model.report.labels import RUN_LABEL
from loadtest_model.spec import GROUP, PLURAL, VERSION
from loadtest_operator.cluster.login import connection_info
from loadtest_operator.facts.names import SELECTOR
from loadtest_operator.facts.resources import observed_pod, owner_uid, pod_index, termination_message
from loadtest_operator.observe.memory import Key, Memory
from loadtest_operator.observe.roster import Roster

Json = dict[str, Any]

# kopf gives up on an API server after its last back-off; these add up to ten minutes.
_OUTAGE_BACKOFFS_SECONDS: Final = (1, 1, 2, 3, 5, 8, 13, 21, *([30] * 19))


def watching_settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = _OUTAGE_BACKOFFS_SECONDS
    settings.watching.label_selectors["batch", "v1", "jobs"] = SELECTOR
    settings.watching.label_selectors["", "v1", "pods"] = SELECTOR
    settings.process.ultimate_exiting_timeout = None
    return settings


def watching_registry(
    add: Callable[[Key], None], roster: Roster, is_in_line: Callable[[Key], bool], memory: Memory
) -> kopf.OperatorRegistry:
    """The handlers. What belongs to a test carries its UID as a label; the roster gives the UID a name.

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
        elif not roster.see_test(resource) and is_in_line(key):
            return
        add(key)

    async def child(body: kopf.Body, type: str | None, *, is_pod: bool = False, **_: Any) -> None:  # noqa: A002
        resource = dict(body)
        if type == "DELETED":
            roster.forget_child(resource["metadata"]["uid"])
        else:
            roster.see_child(resource, is_pod=is_pod)
        key = roster.key_of(owner_uid(resource))
        if key is not None:
            add(key)

    async def pod(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002
        resource = dict(body)
        if roster.key_of(owner_uid(resource)) is not None:
            keep_last_word(resource, memory)
        await child(body, type, is_pod=True)

    kopf.on.login(registry=registry)(login)
    kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)(loadtest)
    kopf.on.event("batch", "v1", "jobs", registry=registry)(child)
    kopf.on.event("", "v1", "pods", registry=registry)(pod)
    return registry


def keep_last_word(pod: Json, memory: Memory) -> None:
    """A failed Job's pods are removed as soon as they have ended, often before the next look: keep what they said, and
    why somebody took them away."""
    observed = observed_pod(pod)
    container_end = observed.container_end
    if container_end is None and not observed.eviction_reason:
        return
    metadata = pod["metadata"]
    run_id = (metadata.get("labels") or {}).get(RUN_LABEL, "")
    pod_identity = (owner_uid(pod), run_id, metadata["uid"], pod_index(pod), metadata["name"])
    record = memory.remember_pod(*pod_identity)
    record.eviction_reason = observed.eviction_reason
    if container_end is not None:
        record.container_end = container_end
        memory.take_last_word(*pod_identity, termination_message(pod))
