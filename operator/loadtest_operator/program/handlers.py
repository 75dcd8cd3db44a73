"""What rings the bell: kopf watches, and every event puts the key of its LoadTest on the queue. Nothing is written."""

from collections.abc import Callable
from typing import Any, Final

import kopf

from loadtest_model.spec import GROUP, PLURAL, VERSION
from loadtest_operator.cluster.login import connection_info
from loadtest_operator.facts.names import RUN_LABEL, SELECTOR
from loadtest_operator.facts.pods import has_ended
from loadtest_operator.facts.resources import observed_pod, owner_uid, pod_index, termination_message
from loadtest_operator.observe.memory import Key, Memory

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
    add: Callable[[Key], None], on_release: Callable[[], None], memory: Memory
) -> kopf.OperatorRegistry:
    """The handlers. What belongs to a test carries its UID as a label; the tests met so far give the UID a name.

    `on_release` hears that a Job or a pod is gone, or has ended: another test may have waited for that.
    """
    registry = kopf.OperatorRegistry()
    keys: dict[str, Key] = {}

    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await connection_info()

    async def loadtest(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002 - kopf's name for it
        key = (str(body["metadata"]["namespace"]), str(body["metadata"]["name"]))
        if type == "DELETED":
            keys.pop(body["metadata"]["uid"], None)
        else:
            keys[body["metadata"]["uid"]] = key
        add(key)

    async def child(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002
        if type == "DELETED" or has_ended(dict(body)):
            on_release()
        key = keys.get(owner_uid(dict(body)))
        if key is not None:
            add(key)

    async def pod(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002
        resource = dict(body)
        if owner_uid(resource) in keys:
            keep_last_word(resource, memory)
        await child(body, type)

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
