"""The operator's log: one line for each record, whatever a user, a target or the API server wrote into it."""

import logging
import sys
from types import TracebackType
from typing import Final

from loadtest_operator.cluster.obstacles import REFUSALS
from loadtest_operator.facts.texts import escape

_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s %(message)s"
_WITHIN: Final = "    | "

_ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class OneLineFormatter(logging.Formatter):
    """A record in one line, with what is not printable escaped; a traceback below it, each line of it marked."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name for it
        return escape(super().formatMessage(record))

    def formatException(self, ei: _ExceptionInfo) -> str:  # noqa: N802 - logging's name for it
        return "\n".join(f"{_WITHIN}{escape(line)}" for line in super().formatException(ei).split("\n"))


def is_refused_watch(record: logging.LogRecord) -> bool:
    """Whether kopf reports the refusal of a watch, which ends it: see `app`."""
    error = record.exc_info[1] if record.exc_info else None
    return record.name.startswith("kopf.") and getattr(error, "status", None) in REFUSALS


def log_to_stderr(level: str) -> None:
    """Send every log of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLineFormatter(_FORMAT))
    handler.addFilter(lambda record: not is_refused_watch(record))
    logging.basicConfig(level=level, handlers=[handler])
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
