"""The project's URLs."""

from clients.login import give_token
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer probes; without the database, so that a busy one does not take the pod out of its Service."""
    return HttpResponse("ok", content_type="text/plain")


urlpatterns = [
    path("clients/", include("clients.urls")),
    path("api/token/", give_token),
    path("healthz", healthz),
]

if settings.HAS_GUARD:
    urlpatterns += [path("load-test/", include("loadtest_guard.urls"))]
