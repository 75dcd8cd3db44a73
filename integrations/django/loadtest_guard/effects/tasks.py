"""Tasks for workers: those of Celery, and those of Django's own framework where it has one."""

import sys
import uuid
from importlib import import_module
from typing import Any

from loadtest_guard.active import ACTIVE
from loadtest_guard.effects.patching import hold_method


def watch_tasks() -> None:
    """Hold back tasks of Celery, if the project uses it, and of `django.tasks`."""
    if "celery" in sys.modules:
        _watch_celery()
    try:
        base = import_module("django.tasks.base")
        dummy = import_module("django.tasks.backends.dummy")
    except ImportError:
        return
    _watch_django(base.Task, dummy.DummyBackend)


def _watch_celery() -> None:
    task = import_module("celery.app.task")
    app = import_module("celery.app.base")
    result = import_module("celery.result")

    def skip_task(self: Any, *_: Any, task_id: str | None = None, **__: Any) -> Any:
        return result.AsyncResult(task_id or str(uuid.uuid4()), app=self.app)

    def skip_by_name(self: Any, *_: Any, task_id: str | None = None, **__: Any) -> Any:
        return result.AsyncResult(task_id or str(uuid.uuid4()), app=self)

    hold_method(task.Task, "apply_async", "task", skip_task)
    hold_method(app.Celery, "send_task", "task", skip_by_name)


def _watch_django(task_class: type, dummy_backend: Any) -> None:
    def enqueue(self: Any, *args: Any, **kwargs: Any) -> Any:
        return dummy_backend(self.backend, {"OPTIONS": {}, "QUEUES": []}).enqueue(self, args, kwargs)

    hold_method(task_class, "enqueue", "task", enqueue)
    original = task_class.__dict__["aenqueue"]

    async def aenqueue(self: Any, *args: Any, **kwargs: Any) -> Any:
        # The same as `enqueue`, which asks the guard.
        return self.enqueue(*args, **kwargs) if ACTIVE.get() is not None else await original(self, *args, **kwargs)

    task_class.aenqueue = aenqueue  # type: ignore[attr-defined]
