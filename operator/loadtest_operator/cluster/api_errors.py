"""What the API server refuses or does not answer, as errors that say what it said."""

from typing import Any, Final

import msgspec

Json = dict[str, Any]

_PASSING_STATUSES: Final = frozenset({0, 408, 429, 500, 502, 503, 504})
"""Answers of a server that is busy, restarts or is not there (0), which the same request may not get again."""
# A server-side apply with a field that the schema lacks is answered by 500 and these words.
_UNKNOWN_FIELD: Final = "field not declared in schema"


class ApiError(Exception):
    """The API server's refusal, or its silence (`status` 0). `retry_after_seconds` is the pause that it asks for."""

    def __init__(self, status: int, reason: str, message: str, retry_after_seconds: float = 0.0) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after_seconds = retry_after_seconds

    @property
    def is_forbidden(self) -> bool:
        """Whether the right to it is missing."""
        return self.status == 403

    @property
    def is_outdated(self) -> bool:
        """Whether the object is gone, or no longer the one that was meant."""
        return self.status in (404, 409)

    @property
    def already_exists(self) -> bool:
        """Whether there is an object of that name."""
        return self.reason == "AlreadyExists"

    @property
    def names_unknown_field(self) -> bool:
        """Whether the schema of the API server lacks a field that was written."""
        return _UNKNOWN_FIELD in self.message

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed when it is sent again soon."""
        return self.status in _PASSING_STATUSES and not self.names_unknown_field

    @property
    def is_final(self) -> bool:
        """Whether the same request would be refused again: neither an outage, nor a conflict, nor a throttling."""
        return 400 <= self.status < 500 and self.status not in (408, 409, 429)

    @property
    def is_invalid(self) -> bool:
        """Whether the object itself was refused, so that nothing but another object would be taken."""
        return self.status in (400, 413, 422)


def unreachable(error: Exception) -> ApiError:
    """The error of a request that got no answer."""
    return ApiError(0, "Unreachable", f"{type(error).__name__}: {error}")


def refusal(status: int, data: bytes, retry_after: str | None = None) -> ApiError:
    """The error that an answer stands for, by its status, its body and its header Retry-After."""
    retry_after_seconds = _parse_retry_after(retry_after)
    try:
        body = msgspec.json.decode(data)
    except msgspec.DecodeError:
        return ApiError(status, "Unknown", data[:200].decode(errors="replace"), retry_after_seconds)
    if not isinstance(body, dict):
        return ApiError(status, "Unknown", str(body)[:200], retry_after_seconds)
    return ApiError(status, *reason_and_message(body), retry_after_seconds)


def reason_and_message(status: Json) -> tuple[str, str]:
    """The reason and the message of a Status."""
    return str(status.get("reason", "Unknown")), str(status.get("message", ""))


def _parse_retry_after(text: str | None) -> float:
    """The seconds in a Retry-After header; 0 without one. An API server never answers with a date."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else 0.0
