"""JSON in answers: parsed without a doubt, and read at dotted paths."""

import json
from functools import lru_cache
from typing import Any, Final

ABSENT: Final = object()


def parse_json(body: bytes) -> Any:
    """The document in an answer's body.

    Raises ValueError for what is no JSON, or is nested too deep, or gives a name twice: then no value can be trusted.
    """
    try:
        return _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RecursionError as error:
        raise ValueError("the answer is nested too deep") from error


def value_at(document: Any, path: str) -> Any:
    """The value at a dotted path, `ABSENT` where there is none."""
    for key in _keys(path):
        if not isinstance(document, dict) or key not in document:
            return ABSENT
        document = document[key]
    return document


@lru_cache
def _keys(path: str) -> tuple[str, ...]:
    return tuple(path.split("."))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("an object has two members of one name")
    return members


# json.loads would make one for each answer.
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members)
