"""Which hosts the URLs of a LoadTest may name, the installation's list of targets, and which addresses may be loaded.

The admission policy of the chart holds the same list when a LoadTest is applied; here it holds again before pods are
made, even if that policy is absent. Each pod then holds every address against the networks, at each connect.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from loadtest_model.plan import AddressPolicy
from loadtest_model.spec import Spec
from loadtest_model.urls import parse_url

CLUSTER_SERVICES: Final = "cluster-services"
ANY: Final = "*"
SETTING: Final = "policy.targets"

# A name that begins with a digit may be an address in disguise, such as 2130706433 for 127.0.0.1.
_SERVICE: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_SERVICE_AND_NAMESPACE: Final = re.compile(r"([a-z0-9]([-a-z0-9]*[a-z0-9])?\.){2}svc", re.ASCII)
_PATTERN: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?|[0-9a-f:]*:[0-9a-f:.]*", re.ASCII)


@dataclass(frozen=True)
class TargetPolicy:
    """`patterns` are hosts, `*.suffix` for the names below one, `cluster-services`, or `*` for every host."""

    patterns: tuple[str, ...] = (CLUSTER_SERVICES,)
    cluster_domain: str = "cluster.local"

    def permits(self, host: str) -> bool:
        """Whether a host, as `host_of` gives it, is on the list."""
        return any(self._matches(pattern, host) for pattern in self.patterns)

    def _matches(self, pattern: str, host: str) -> bool:
        if pattern == ANY:
            return True
        if pattern == CLUSTER_SERVICES:
            return is_cluster_service(host, self.cluster_domain)
        if pattern.startswith("*."):
            return host.endswith(pattern[1:]) and len(host) >= len(pattern)
        return host == pattern


def is_pattern(text: str) -> bool:
    """Whether a text may stand on the list."""
    return text == ANY or _PATTERN.fullmatch(text) is not None


def is_cluster_service(host: str, cluster_domain: str) -> bool:
    """Whether a host has one of the forms that can only name a Service of this cluster.

    `<svc>.<ns>` is none of them: with two labels it looks the same as a name of the Internet.
    """
    if host == "localhost":
        return False
    within = host.removesuffix(f".{cluster_domain}") if host.endswith(f".svc.{cluster_domain}") else host
    return (_SERVICE.fullmatch(host) or _SERVICE_AND_NAMESPACE.fullmatch(within)) is not None


def host_of(url: str) -> str:
    """The host of a URL, empty for a text that is not an accepted URL."""
    parts = parse_url(url)
    return "" if parts is None else parts.host


def urls_of(spec: Spec) -> tuple[tuple[str, str], ...]:
    """Every URL that a pod connects to for this spec, with its field."""
    auth, read_back = spec.target.auth, spec.verification.read_back
    urls = [("spec.target.url", spec.target.url)]
    if spec.target.metrics_url:
        urls.append(("spec.target.metricsUrl", spec.target.metrics_url))
    if auth and auth.login:
        urls.append(("spec.target.auth.login.url", auth.login.url))
    if read_back:
        urls.append(("spec.verification.readBack.url", read_back.url))
        if read_back.control and read_back.control.url:
            urls.append(("spec.verification.readBack.control.url", read_back.control.url))
    return tuple(urls)


def target_refusal(spec: Spec, policy: TargetPolicy) -> str:
    """Why a spec is not for this installation, and which setting would change that; empty if it is."""
    for field, url in urls_of(spec):
        host = host_of(url)
        if not policy.permits(host):
            return (
                f"{field}: the host {host or '(unreadable)'} is not among the targets of this installation"
                f" ({', '.join(policy.patterns) or 'none'}){_hint(host)}; an administrator can add it to {SETTING}"
            )
    return ""


def _hint(host: str) -> str:
    if host.count(".") != 1 or ":" in host:
        return ""
    return f"; a Service of another namespace is written {host}.svc"


def denial_reason(address: ipaddress.IPv4Address | ipaddress.IPv6Address, network: AddressPolicy) -> str:
    """Why nothing may be sent to an address, with the setting to change if there is one; empty if it may.

    The pods hold to the same rules at each connect.
    """
    effective_address = address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address
    for block in network.denied:
        if effective_address in ipaddress.ip_network(block, strict=False):
            return (
                f"which lies in {block}, where nothing may be sent to (chart value policy.denied, and what never may)"
            )
    if network.allowed and not any(
        effective_address in ipaddress.ip_network(block, strict=False) for block in network.allowed
    ):
        return (
            f"which is outside of the networks that the installation allows ({', '.join(network.allowed)}); have it"
            " added to the chart's value policy.allowed"
        )
    return ""
