"""Objects of one kind as a watch and lists tell of them, each as it is read once for each of its versions.

A list and a watch overtake each other. So an older version never replaces a newer one, what is gone does not come back
with a list that began before, and a list removes only what it could have had.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from loadtest_operator.facts.resources import owner_uid
from loadtest_operator.observe.roster import is_newer

Json = dict[str, Any]
T = TypeVar("T")

_DEPARTED_KEPT: Final = 10_000
"""More than are removed while a list is under way."""


@dataclass(frozen=True)
class _Known(Generic[T]):
    version: str
    owner: str
    namespace: str
    value: T


class ObjectCache(Generic[T]):
    """What `read` makes of each object, by the UID of the test that it belongs to."""

    def __init__(self, read: Callable[[Json], T]) -> None:
        self._read = read
        self._objects: dict[str, _Known[T]] = {}
        self._uids_by_owner: dict[str, set[str]] = defaultdict(set)
        self._departed: dict[str, None] = {}

    def of(self, owner: str) -> list[T]:
        """What is known of a test's objects."""
        return [self._objects[uid].value for uid in self._uids_by_owner.get(owner, ())]

    def is_news(self, resource: Json) -> bool:
        """Whether an object, or its metadata, is not known in this version or a newer one."""
        metadata = resource["metadata"]
        known = self._objects.get(metadata["uid"])
        if known is None:
            return metadata["uid"] not in self._departed
        return is_newer(metadata.get("resourceVersion", ""), known.version)

    def see(self, resource: Json) -> bool:
        """Take in an object as it is or was. Returns whether that is news."""
        if not self.is_news(resource):
            return False
        metadata = resource["metadata"]
        uid, version = metadata["uid"], metadata.get("resourceVersion", "")
        owner = owner_uid(resource)
        self._objects[uid] = _Known(version, owner, metadata.get("namespace", ""), self._read(resource))
        self._uids_by_owner[owner].add(uid)
        return True

    def remove(self, uid: str) -> None:
        """An object is gone for good."""
        self._departed[uid] = None
        if len(self._departed) > _DEPARTED_KEPT:
            del self._departed[next(iter(self._departed))]
        known = self._objects.pop(uid, None)
        if known is None:
            return
        uids = self._uids_by_owner[known.owner]
        uids.discard(uid)
        if not uids:
            del self._uids_by_owner[known.owner]

    def absent(self, resources: Iterable[Json], version: str, namespace: str | None, owner: str = "") -> Iterator[str]:
        """The UIDs of what is known and not in a list of this version: a list of one namespace or of all, and of one
        test or of all.
        """
        listed_uids = {resource["metadata"]["uid"] for resource in resources}
        for uid in list(self._uids_by_owner.get(owner, ())) if owner else list(self._objects):
            known = self._objects[uid]
            if uid not in listed_uids and namespace in (None, known.namespace) and not is_newer(known.version, version):
                yield uid

    def owner_of(self, uid: str) -> str:
        """The UID of the test that an object belongs to; empty if the object is not known."""
        known = self._objects.get(uid)
        return "" if known is None else known.owner
