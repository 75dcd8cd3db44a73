"""Bearer tokens: HS256, signed with JWT_SECRET, with an expiry."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

import jwt
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def token_required(view: View[P]) -> View[P]:
    """Answer 401 to a request without a valid token; with no JWT_SECRET set, let every request pass."""

    @wraps(view)
    def guarded_view(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if settings.JWT_SECRET and (refusal := _refusal(request.headers.get("Authorization", ""))):
            _discard_body(request)
            return refusal
        return view(request, *args, **kwargs)

    return guarded_view


def _refusal(authorization: str) -> JsonResponse | None:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return _unauthorized("token_missing", "a bearer token is required")
    try:
        jwt.decode(token.strip(), settings.JWT_SECRET, algorithms=["HS256"], options={"require": ["exp"]})
    except jwt.ExpiredSignatureError:
        return _unauthorized("token_expired", "the token has expired")
    except jwt.InvalidTokenError as error:
        return _unauthorized("token_invalid", str(error))
    return None


def _unauthorized(code: str, message: str) -> JsonResponse:
    body = {"success": False, "code": code, "message": message}
    return JsonResponse(body, status=401, headers={"WWW-Authenticate": "Bearer"})


def _discard_body(request: HttpRequest) -> None:
    # gunicorn resets a connection that it closes with much of the body unread, and the client, still sending,
    # would see the reset instead of the 401.
    while request.read(65_536):
        pass
