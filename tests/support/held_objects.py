"""An API server that holds just these objects, for what is decided by reading them and needs no real one."""

from typing import Any

from kubernetes.aio.client import Configuration

from loadtest_operator.cluster.api import Api

Json = dict[str, Any]


class HeldObjects(Api):
    """Objects by the plural of their kind; `kinds_asked_for` are the plurals that were asked for, in their order."""

    def __init__(self, **held: list[Json]) -> None:
        super().__init__(Configuration())
        self._held = held
        self.kinds_asked_for: list[str] = []

    def _of(self, kind: str) -> list[Json]:
        return self._held.get(kind.rpartition("/")[2], [])

    async def get(self, kind: str, _namespace: str | None, name: str) -> Json | None:
        return next((made for made in self._of(kind) if made["metadata"]["name"] == name), None)

    async def list(self, kind: str, *_: Any, **__: Any) -> list[Json]:
        self.kinds_asked_for.append(kind.rpartition("/")[2])
        return self._of(kind)
