"""An API server with just these objects, for code that only reads them."""

from typing import Any

from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import Api

Json = dict[str, Any]


class FakeApi(Api):
    """Objects by the plural of their kind; `requested_kinds` are the plurals that were asked for, in order."""

    def __init__(self, **objects: list[Json]) -> None:
        super().__init__(Configuration())
        self._objects = objects
        self.requested_kinds: list[str] = []

    def _objects_of(self, kind: str) -> list[Json]:
        return self._objects.get(kind.rpartition("/")[2], [])

    async def get(self, kind: str, _namespace: str | None, name: str) -> Json | None:
        return next((item for item in self._objects_of(kind) if item["metadata"]["name"] == name), None)

    async def list_with_version(self, kind: str, *args: Any, **named: Any) -> tuple[list[Json], str]:
        return await self.list(kind, *args, **named), "1"

    async def list(self, kind: str, *_: Any, **__: Any) -> list[Json]:
        self.requested_kinds.append(kind.rpartition("/")[2])
        return self._objects_of(kind)
