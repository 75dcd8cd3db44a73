"""The log: one line of JSON for each change of state."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

_LOGGER: Final = logging.getLogger("loadgen")


def info(event: str, **fields: Any) -> None:
    """Log an event with its fields; never a token."""
    _LOGGER.info(event, extra={"fields": fields})


def warn(event: str, **fields: Any) -> None:
    """Log an event that somebody should look at."""
    _LOGGER.warning(event, extra={"fields": fields})


def error(event: str, defect: BaseException) -> None:
    """Log a defect with its traceback."""
    _LOGGER.error(event, exc_info=defect)


class JsonLines(logging.Formatter):
    """A record as a line of JSON, with the traceback of an exception if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to_stderr() -> None:
    """Send every log of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
