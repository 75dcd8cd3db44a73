"""How a server is recognised that speaks HTTP/2 only, which the generator does not."""

import re
from typing import Final

HTTP2_ONLY: Final = "the port speaks HTTP/2 only"
"""These words name the failure, whatever shows it; causes are told by them."""

# Nine bytes: a length, the type 4, flags and the stream 0 (RFC 9113, sections 4.1 and 6.5), as `repr` writes bytes. It
# is the first that a server says (section 3.4), and what HTTP/1.1's parser quotes.
_SETTINGS_FRAME: Final = re.compile(r"""b?['"](?:\\x00){2}(?:\\x[0-9a-f]{2}|\\.|[^\\])\\x04\\x0[01](?:\\x00){4}""")


def http2_failure(complaint: str) -> str | None:
    """What failed, if a parser's complaint quotes HTTP/2 in place of an answer; None for any other."""
    return f"{HTTP2_ONLY}: it answers with a SETTINGS frame" if _SETTINGS_FRAME.search(complaint) else None
