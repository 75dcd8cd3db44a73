"""What people would read of an answer: of a page in HTML its text, of anything else all of it."""

import re
from html import unescape
from typing import Final

_READ_BYTES: Final = 16_384
_INVISIBLE: Final = re.compile(r"<(style|script)\b.*?(</\1\s*>|\Z)|<!--.*?(-->|\Z)", re.DOTALL | re.IGNORECASE)
_TAG: Final = re.compile(r"<[a-zA-Z/!][^<>]*>")
# Most error pages begin with their title and a heading that says the same.
_REPEATED_TITLE: Final = re.compile(r"^(.{3,80}?) \1(?=\s|$)")

# Django's page about an exception goes on with the request, the versions and the paths of its machine.
_DJANGO_DETAILS: Final = re.compile(r"\s+Request Method:\s+\S+\s+Request URL:\s.*?\sDjango Version:\s.*", re.DOTALL)


def readable_text(body: bytes) -> str:
    """The text of an answer's first 16 KiB, the space in a page reduced to single blanks.

    Of Django's page about an exception only the exception is read.
    """
    text = body[:_READ_BYTES].decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        text = _REPEATED_TITLE.sub(r"\1", " ".join(unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", text))).split()))
    return _DJANGO_DETAILS.sub("", text) if "Django Version:" in text else text
