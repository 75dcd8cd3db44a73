"""JSON in answers: parsed without a doubt, and read at dotted paths."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

ABSENT: Final = object()
_SPACES: Final = " \t\n\r"
_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)


def parse_json(body: bytes) -> Any:
    """The document in an answer's body.

    Raises ValueError for what is no JSON, or is nested too deep, or gives a name twice: then no value can be trusted.
    """
    try:
        text = body.decode(_encoding_of(body), "surrogatepass")
        if text[:1] == "{":
            document, end = _DECODER.raw_decode(text)
            # Looking for white space around a document takes the decoder as long as the document.
            if not text[end:].strip(_SPACES):
                return document
        return _DECODER.decode(text)
    except RecursionError as error:
        raise ValueError("the answer is nested too deep") from error


def _encoding_of(body: bytes) -> str:
    # What begins with a brace and another ASCII character is neither UTF-16 nor UTF-32.
    return "utf-8" if body[:1] == b"{" and b"\0" < body[1:2] < b"\x80" else json.detect_encoding(body)


def value_at(document: Any, path: str) -> Any:
    """The value at a dotted path, `ABSENT` where there is none."""
    if "." not in path:
        return document.get(path, ABSENT) if isinstance(document, dict) else ABSENT
    for key in _keys(path):
        if not isinstance(document, dict) or key not in document:
            return ABSENT
        document = document[key]
    return document


def paths_of_number(document: Any, number: int, depth: int = 3) -> Iterator[str]:
    """The dotted paths of a number in a document, down to objects within objects to `depth`."""
    if not isinstance(document, dict) or depth == 0:
        return
    for key, value in document.items():
        # Only such keys can be written in a dotted path.
        if _KEY.fullmatch(key) is None:
            continue
        if type(value) is int and value == number:
            yield key
        yield from (f"{key}.{path}" for path in paths_of_number(value, number, depth - 1))


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
