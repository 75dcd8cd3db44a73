"""Logging in: a name and a password for a bearer token that expires, as projects with simplejwt have it."""

import json
import time
from secrets import compare_digest

import jwt
from django.conf import settings
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST


@csrf_exempt
@require_POST
def give_token(request: HttpRequest) -> JsonResponse:
    """Answer `{"access": token, "expires_in": seconds}` to the one user there is; fields as JSON or as a form."""
    if not (settings.JWT_SECRET and settings.LOGIN_PASSWORD):
        raise Http404("logging in needs JWT_SECRET and LOGIN_PASSWORD")
    fields = _fields(request)
    right_name = compare_digest(fields.get("username", "").encode(), settings.LOGIN_USERNAME.encode())
    right_password = compare_digest(fields.get("password", "").encode(), settings.LOGIN_PASSWORD.encode())
    if not (right_name and right_password):
        return JsonResponse({"detail": "No active account found with the given credentials"}, status=401)
    seconds = settings.TOKEN_SECONDS
    claims = {"sub": settings.LOGIN_USERNAME, "exp": time.time() + seconds}
    token = jwt.encode(claims, settings.JWT_SECRET, algorithm="HS256")
    return JsonResponse({"access": token, "expires_in": seconds})


def _fields(request: HttpRequest) -> dict[str, str]:
    """The texts that were sent; none of what is not a text, or not an object."""
    if request.content_type != "application/json":
        return {name: str(value) for name, value in request.POST.items()}
    try:
        fields = json.loads(request.body)
    except ValueError:
        return {}
    return {name: value for name, value in fields.items() if isinstance(value, str)} if isinstance(fields, dict) else {}
