"""Whether an answer was made by a proxy before the target, told by the pages and headers that proxies are known for."""

import re
from typing import Final

from loadgen.answers.judging import Answer

_READ_BYTES: Final = 16_384

_PAGES: Final = (
    re.compile(r"<center>\s*(nginx|openresty|awselb|cloudflare)"),
    # Envoy, and with it Istio.
    re.compile(r"\A\s*(upstream (connect error|request timeout)|no healthy upstream|rbac: access denied)"),
    # HAProxy.
    re.compile(r"no server is available to handle this request|the server didn't respond in time"),
    # Apache httpd.
    re.compile(r"<address>apache|the proxy server (received|could not)"),
    # Traefik.
    re.compile(r"\A\s*(bad gateway|gateway timeout|service unavailable|no available server)\s*\Z"),
    # An ingress controller without a route.
    re.compile(r"\A\s*default backend - 404"),
)
_SERVERS: Final = re.compile(r"\b(nginx|openresty|envoy|istio-envoy|haproxy|awselb|cloudflare|caddy|traefik|varnish)\b")


def is_page_of_proxy(answer: Answer) -> bool:
    """Whether the answer is a page that only a proxy makes by itself."""
    text = answer.body[:_READ_BYTES].decode("utf-8", "replace").lower()
    return any(page.search(text) for page in _PAGES)


def passed_a_proxy(answer: Answer) -> bool:
    """Whether the answer's headers tell of a proxy, which may also have passed on what the target answered."""
    return "Via" in answer.headers or _SERVERS.search(answer.headers.get("Server", "").lower()) is not None
