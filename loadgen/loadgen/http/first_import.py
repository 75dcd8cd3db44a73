"""aiohttp without the certificates that it loads as soon as it is imported."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_PLACES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@contextmanager
def without_authorities() -> Iterator[None]:
    """No TLS context that is made in here finds an authority of the system.

    aiohttp makes two for connections that name none of their own. Reading the authorities takes a sixth of the time to
    the first byte of a target, and every https connection of the generator has a context of its own.
    """
    places = {name: os.environ.get(name) for name in _PLACES}
    os.environ.update(dict.fromkeys(_PLACES, os.devnull))
    try:
        yield
    finally:
        for name, value in places.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
