"""What people would read of an answer: of a page in HTML its text, of anything else all of it."""

import re
from html import unescape
from typing import Final

_READ_BYTES: Final = 16_384
_INVISIBLE: Final = re.compile(r"<(style|script)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)", re.DOTALL | re.IGNORECASE)
_TAG: Final = re.compile(r"<[a-zA-Z/!][^<>]*>")
# Most error pages begin with their title and a heading that says the same.
_REPEATED_TITLE: Final = re.compile(r"^(.{3,80}?) \1(?=\s|$)")


def readable_text(body: bytes) -> str:
    """The text of an answer's first 16 KiB, the space in a page reduced to single blanks."""
    text = body[:_READ_BYTES].decode("utf-8", "replace")
    if not text.lstrip().startswith("<"):
        return text
    return _REPEATED_TITLE.sub(r"\1", " ".join(unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", text))).split()))
