"""A namespace that is being deleted: the API server takes no new object in it, until it is gone."""

import re
from typing import Final

_WORDS: Final = re.compile(r'because it is being terminated|namespaces "[^"]*" not found')


def is_of_ending_namespace(refusal: str) -> bool:
    """Whether the API server refused to create something, in these words, because its namespace is being deleted."""
    return _WORDS.search(refusal) is not None
