"""What each view of the tests does, and what it comes to under the guard. The table of the docs is made from this."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class End(StrEnum):
    """Of a load test that reached a view."""

    CONFIRMED = "confirmed, and rolled back"
    REFUSED = "refused, and rolled back"
    FAILED = "the view's own error, and rolled back"
    ESCAPED = "**confirmed, although the row is stored**"


@dataclass(frozen=True)
class Outcome:
    """Of one view, in both modes. `needs_asgi` says that only an asynchronous server can show it."""

    does: str
    rollback: End
    readonly: End
    needs_asgi: bool = False


_WRITES: Final = (End.CONFIRMED, End.REFUSED)
_REFUSED: Final = (End.REFUSED, End.REFUSED)
_ESCAPES: Final = (End.ESCAPED, End.ESCAPED)

OUTCOMES: Final[dict[str, Outcome]] = {
    "reads": Outcome("only reads", End.CONFIRMED, End.CONFIRMED),
    "plain": Outcome("`Model.objects.create`", *_WRITES),
    "bulk": Outcome("`bulk_create`", *_WRITES),
    "raw_sql": Outcome("an `INSERT` by `connection.cursor()`", *_WRITES),
    "durable": Outcome("`transaction.atomic(durable=True)`", *_WRITES),
    "on_commit": Outcome("`transaction.on_commit`: it never fires", *_WRITES),
    "second_database": Outcome("writes into a second database", *_WRITES),
    "locks": Outcome("`select_for_update`, then `save`", *_WRITES),
    "swallows_an_error": Outcome("catches an `IntegrityError` around an `atomic` block", *_WRITES),
    "streams": Outcome("a streaming answer whose body writes", *_WRITES),
    "class_view": Outcome("a class view", *_WRITES),
    "api_view": Outcome("`@api_view` of Django REST framework", *_WRITES),
    "api_class": Outcome("`APIView` of Django REST framework", *_WRITES),
    "redirects": Outcome("redirects after the work, and has told the count by `processed`", *_WRITES),
    "async_view": Outcome("an async view", *_WRITES, needs_asgi=True),
    "async_class_view": Outcome("an async class view", *_WRITES, needs_asgi=True),
    "async_tasks": Outcome("an async view that writes in `asyncio.gather`", *_WRITES, needs_asgi=True),
    "async_stream": Outcome("an async streaming answer whose body writes", *_WRITES, needs_asgi=True),
    "fails": Outcome("raises an exception after the insert", End.FAILED, End.REFUSED),
    "commits_by_django": Outcome("`transaction.commit()`", End.FAILED, End.REFUSED),
    "commits_by_sql": Outcome("executes `COMMIT`, and goes on after the error", *_REFUSED),
    "commits_by_driver": Outcome(
        "`connection.connection.commit()`, and goes on after the error", End.REFUSED, End.REFUSED
    ),
    "rolls_back_by_driver": Outcome("`connection.connection.rollback()`", *_REFUSED),
    "async_other_thread": Outcome(
        "`sync_to_async(thread_sensitive=False)`, `asyncio.to_thread`", *_REFUSED, needs_asgi=True
    ),
    "thread": Outcome("writes in a thread of its own", *_ESCAPES),
    "raw_driver": Outcome("opens a connection of its own by the driver", *_ESCAPES),
}
