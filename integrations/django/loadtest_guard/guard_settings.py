"""The guard's settings: `LOADTEST_GUARD` in the project's settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SHORTEST_KEY: Final = 32
"""Characters of a key of its own; a shorter one could be guessed from a token."""

NAMES: Final = frozenset(
    {"ENABLED", "MODE", "EFFECTS", "KEY", "LONGEST_TOKEN_HOURS", "NETWORKS", "PERMISSION", "READ_BACK"}
)


class Mode(StrEnum):
    """What the guard does about writes."""

    ROLLBACK = "rollback"
    READONLY = "readonly"


class EffectRule(StrEnum):
    """What the guard does about an effect that no rollback undoes, such as a mail."""

    HOLD = "hold"
    REFUSE = "refuse"


@dataclass(frozen=True)
class GuardSettings:
    """The guard's settings, checked."""

    enabled: bool = False
    mode: Mode = Mode.ROLLBACK
    effects: EffectRule = EffectRule.HOLD
    key: str = ""
    longest_token_seconds: float = 86_400.0
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    permission: str = ""
    read_back: tuple[str, ...] = ()


def guard_settings() -> GuardSettings:
    """Return the settings as they are now. Raises ImproperlyConfigured, naming what is wrong."""
    return settings_of(getattr(settings, "LOADTEST_GUARD", {}))


def settings_of(values: Mapping[str, Any]) -> GuardSettings:
    """The settings that the mapping describes. Raises ImproperlyConfigured, naming what is wrong."""
    if unknown := sorted(set(values) - NAMES):
        raise ImproperlyConfigured(f"LOADTEST_GUARD has no {unknown[0]}; it has {', '.join(sorted(NAMES))}")
    key = values.get("KEY") or ""
    if key and len(key) < SHORTEST_KEY:
        raise ImproperlyConfigured(f"LOADTEST_GUARD['KEY'] must have {SHORTEST_KEY} characters or more")
    hours = values.get("LONGEST_TOKEN_HOURS", 24)
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 < hours <= 24 * 366:
        raise ImproperlyConfigured("LOADTEST_GUARD['LONGEST_TOKEN_HOURS'] must be above 0, and a year at most")
    enabled = values.get("ENABLED", False)
    if not isinstance(enabled, bool):
        # The text "false" of an environment variable would be true.
        raise ImproperlyConfigured("LOADTEST_GUARD['ENABLED'] must be True or False")
    return GuardSettings(
        enabled=enabled,
        mode=_choice(Mode, values.get("MODE", Mode.ROLLBACK), "MODE"),
        effects=_choice(EffectRule, values.get("EFFECTS", EffectRule.HOLD), "EFFECTS"),
        key=key,
        longest_token_seconds=hours * 3600.0,
        networks=tuple(map(_network, _texts(values, "NETWORKS"))),
        permission=values.get("PERMISSION") or "",
        read_back=_texts(values, "READ_BACK"),
    )


_Choice = TypeVar("_Choice", bound=StrEnum)


def _choice(kind: type[_Choice], value: object, name: str) -> _Choice:
    try:
        return kind(str(value))
    except ValueError as error:
        raise ImproperlyConfigured(f"LOADTEST_GUARD[{name!r}] must be one of {', '.join(kind)}") from error


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise ImproperlyConfigured(f"LOADTEST_GUARD['NETWORKS']: {error}") from error


def _texts(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    texts = values.get(name, ())
    if isinstance(texts, str) or not all(isinstance(text, str) for text in texts):
        raise ImproperlyConfigured(f"LOADTEST_GUARD[{name!r}] must be a list of texts")
    return tuple(texts)
