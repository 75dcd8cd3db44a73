"""Which ends of runs a webhook of the installation hears of."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class WebhookRule:
    """A webhook by its name. Without verdicts it hears of all, without namespaces of those of all namespaces.

    A namespace may be a pattern, such as `team-*`.
    """

    name: str
    verdicts: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()

    def concerns(self, namespace: str, verdict: str) -> bool:
        """Whether it hears of a run of this namespace that ended with this verdict."""
        hears_verdict = not self.verdicts or verdict in self.verdicts
        return hears_verdict and (not self.namespaces or _matches(namespace, self.namespaces))


def _matches(namespace: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(namespace, pattern) for pattern in patterns)
