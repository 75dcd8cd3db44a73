"""Files in Django's storages: a load test neither saves nor deletes one."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.files.storage import Storage
from django.utils.module_loading import import_string

from loadtest_guard.effects.patching import hold_method


def watch_storages() -> None:
    """Hold back `save` and `delete` of every storage class that is known, and of those that STORAGES names.

    Writing into a file that `Storage.open` gave is not held back.
    """
    for storage in getattr(settings, "STORAGES", {}).values():
        import_string(storage["BACKEND"])
    for owner in {Storage, *_subclasses(Storage)}:
        if "save" in owner.__dict__:
            hold_method(owner, "save", "file", _save)
        if "delete" in owner.__dict__:
            hold_method(owner, "delete", "file", _delete)


def _subclasses(parent: Any) -> Iterator[Any]:
    for child in parent.__subclasses__():
        yield child
        yield from _subclasses(child)


def _save(_: Storage, name: str | None, content: Any, *__: Any, **___: Any) -> str:
    return str(name if name is not None else content.name)


def _delete(*_: Any, **__: Any) -> None:
    return None
