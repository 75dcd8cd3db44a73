"""The headers of every upload: the generator's own, and beside them what the user adds."""

from collections.abc import Mapping
from typing import Final

from multidict import CIMultiDict

USER_AGENT: Final = "loadgen (X-Load-Test)"

_OWN: Final = frozenset(
    {
        "host",
        "authorization",
        "connection",
        "transfer-encoding",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "proxy-authorization",
    }
)
_OWN_PREFIXES: Final = ("x-load-test", "content-")


def upload_headers(added: Mapping[str, str], host_header: str, run_id: str) -> CIMultiDict[str]:
    """The headers that all uploads of a run have in common.

    Raises ValueError, naming the header, where the user adds one that belongs to the generator or cannot be sent.
    """
    headers = CIMultiDict({"User-Agent": USER_AGENT, "Accept": "application/json"})
    for name, value in added.items():
        if name.lower() in _OWN or name.lower().startswith(_OWN_PREFIXES):
            raise ValueError(f"the header {name} belongs to the generator and cannot be set")
        if not value.isprintable():
            raise ValueError(f"the value of the header {name} is not printable")
        headers[name] = value
    headers.update({"Host": host_header, "X-Load-Test": "true", "X-Load-Test-Run": run_id})
    return headers
