"""Requests over the wire: addresses, connections, TLS, the body and its progress."""

from loadgen.http.first_import import without_authorities

with without_authorities():
    import aiohttp as _aiohttp  # noqa: F401 - its own contexts for TLS are used by nobody here
