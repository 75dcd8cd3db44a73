"""Who may run a load test: whoever has a signed token, comes from an allowed network, or has a permission."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from django.http import HttpRequest

from loadtest_guard.guard_settings import GuardSettings
from loadtest_guard.tokens import TokenRefusedError, read_token

TOKEN_HEADER: Final = "HTTP_LOAD_TEST_TOKEN"  # noqa: S105 - the name of a header
TOKEN_SCHEME: Final = "loadtest"  # noqa: S105 - a scheme
"""Of the Authorization header, in lower case."""


class NotAdmittedError(Exception):
    """The request may not be a load test. The message says why."""


@dataclass(frozen=True)
class Admission:
    """Why a request may be a load test; `by` is for the log.

    `awaits_permission` says that this depends on its user, who is known once the other middleware has run.
    `is_explicit` says that a browser would not have sent by itself what admits the request.
    """

    by: str
    awaits_permission: bool = False
    is_explicit: bool = False


def admission_of(request: HttpRequest, settings: GuardSettings, now: float) -> Admission:
    """Say why the request may be a load test. Raises NotAdmittedError.

    A token that is not valid refuses the request, wherever it comes from.
    """
    if (text := _token_text(request)) is not None:
        try:
            token = read_token(text, now, settings)
        except TokenRefusedError as error:
            raise NotAdmittedError(str(error)) from error
        return Admission(f"token {token.identity}", is_explicit=True)
    if _is_in_network(request, settings):
        return Admission(f"network {request.META.get('REMOTE_ADDR', '')}")
    if settings.permission:
        return Admission(f"permission {settings.permission}", awaits_permission=True)
    raise NotAdmittedError(
        "a load test needs a token: send the one of `manage.py loadtest_token` as `Authorization: LoadTest <token>`"
        " or `Load-Test-Token: <token>`"
    )


def require_permission(request: HttpRequest, settings: GuardSettings) -> str:
    """Return the name of the request's user, who has the permission. Raises NotAdmittedError."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or not user.has_perm(settings.permission):
        raise NotAdmittedError(f"a load test needs a token, or a user with the permission {settings.permission}")
    return str(user.pk)


def _token_text(request: HttpRequest) -> str | None:
    text = request.META.get(TOKEN_HEADER)
    if text is not None:
        return str(text).strip()
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return credentials.strip() if scheme.lower() == TOKEN_SCHEME else None


def _is_in_network(request: HttpRequest, settings: GuardSettings) -> bool:
    if not settings.networks:
        return False
    try:
        # The peer of the connection. What a header says of it, anybody can write.
        address = ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped_address = getattr(address, "ipv4_mapped", None)
    return any((mapped_address or address) in network for network in settings.networks)
