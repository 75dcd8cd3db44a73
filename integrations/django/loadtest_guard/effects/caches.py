"""Cache entries: a load test sees its own, and leaves none behind."""

from collections.abc import Callable
from typing import Any, Final

from django.core.cache import caches
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from loadtest_guard.errors import GuardRefusalError

_DELETED: Final = object()

Hold = Callable[[str], None]


class CacheOverlays:
    """Lays a cache of the request's own over each of the project's caches."""

    def __init__(self, hold: Hold) -> None:
        self._hold = hold
        self._originals: dict[str, Any] = {}

    def lay(self) -> None:
        """Let `caches[alias]` and `cache` be the overlays, in this context."""
        for alias in caches:
            original = caches[alias]
            self._originals[alias] = original
            caches[alias] = CacheOverlay(original, self._hold)

    def remove(self) -> None:
        """Let them be what they were. Safe to call again."""
        while self._originals:
            alias, original = self._originals.popitem()
            caches[alias] = original


class CacheOverlay(BaseCache):
    """Reads through to another cache; keeps what is written. What only that other cache can do is refused."""

    def __init__(self, original: Any, hold: Hold) -> None:
        super().__init__({})
        self.default_timeout = original.default_timeout
        self.key_prefix = original.key_prefix
        self.version = original.version
        self.key_func = original.key_func
        self._original = original
        self._hold = hold
        self._entries: dict[str, Any] = {}
        self._is_cleared = False

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Keep the value where the key has none."""
        if self.has_key(key, version):
            return False
        self.set(key, value, timeout, version)
        return True

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """The value that was kept, else the other cache's."""
        own_key = self.make_key(key, version)
        if own_key in self._entries:
            value = self._entries[own_key]
            return default if value is _DELETED else value
        return default if self._is_cleared else self._original.get(key, default, version)

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Keep the value."""
        self._hold("cache entry")
        self._entries[self.make_key(key, version)] = value

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Whether the key has a value. How long it lasts does not change."""
        return self.has_key(key, version)

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget the key's value."""
        had_value = self.has_key(key, version)
        self._hold("cache entry")
        self._entries[self.make_key(key, version)] = _DELETED
        return had_value

    def has_key(self, key: str, version: int | None = None) -> bool:
        """Whether the key has a value."""
        return self.get(key, self._missing_key, version) is not self._missing_key

    def clear(self) -> None:
        """Forget all values."""
        self._hold("cache entry")
        self._entries.clear()
        self._is_cleared = True

    def __getattr__(self, name: str) -> Any:
        """Refuse what is not part of Django's interface of caches, such as a lock."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise GuardRefusalError(f"the view uses the cache's {name}, which the guard cannot hold back")
