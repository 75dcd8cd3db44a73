"""Upload views with one mistake each."""

import gzip
import json
import os
import signal
import time
import zlib
from collections.abc import Callable

from clients.views import upload_clients
from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, HttpResponseRedirect, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

View = Callable[[HttpRequest], HttpResponse]

HANGING_SECONDS = 60.0
SLOW_SECONDS = 1.6

wants_csrf_token = upload_clients.__wrapped__
"""The example's view without its csrf_exempt."""


class UploadForm(forms.Form):
    spreadsheet = forms.FileField()


def _answer_with(request: HttpRequest, **changes: object) -> HttpResponse:
    answer = json.loads(upload_clients(request).content)
    return JsonResponse({**answer, **changes})


@csrf_exempt
def crashes(request: HttpRequest) -> HttpResponse:
    os._exit(1)


@csrf_exempt
def forbids_with_cors_headers(request: HttpRequest) -> HttpResponse:
    return HttpResponseForbidden("Forbidden", headers={"Access-Control-Allow-Origin": "https://shop.example"})


def _encoded(request: HttpRequest, name: str, encode: Callable[[bytes], bytes]) -> HttpResponse:
    return HttpResponse(
        encode(upload_clients(request).content), content_type="application/json", headers={"Content-Encoding": name}
    )


@csrf_exempt
def answers_in_raw_deflate(request: HttpRequest) -> HttpResponse:
    return _encoded(request, "deflate", lambda content: zlib.compress(content, wbits=-15))


@csrf_exempt
def answers_in_gzip_and_identity(request: HttpRequest) -> HttpResponse:
    return _encoded(request, "gzip, identity", gzip.compress)


@csrf_exempt
def answers_in_brotli(request: HttpRequest) -> HttpResponse:
    """Whatever the request accepts, as a proxy's cache may do; the first bytes are those of a brotli stream."""
    return _encoded(request, "br", lambda content: b"\x0b\x02\x80" + content + b"\x03")


@csrf_exempt
def fails_without_rows(request: HttpRequest) -> HttpResponse:
    """Takes the first row for granted."""
    rows = request.FILES["file"].read().splitlines()
    len(rows[1])
    request.FILES["file"].seek(0)
    return upload_clients(request)


@csrf_exempt
def fails_with_rows(request: HttpRequest) -> HttpResponse:
    """Fails only where there is something to read."""
    if len(request.FILES["file"].read().splitlines()) > 1:
        raise ZeroDivisionError("a defect of the view")
    request.FILES["file"].seek(0)
    return upload_clients(request)


@csrf_exempt
def fails(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("a defect of the view")


@csrf_exempt
def forbids(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


@csrf_exempt
def ignores_header(request: HttpRequest) -> HttpResponse:
    request.META.pop("HTTP_X_LOAD_TEST", None)
    return upload_clients(request)


@csrf_exempt
def takes_json_only(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"detail": f'Unsupported media type "{request.content_type}" in request.'}, status=415)


@csrf_exempt
def sends_to_log_in(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(f"/accounts/login/?next={request.path}")


@csrf_exempt
def killed_by_large_files(request: HttpRequest) -> HttpResponse:
    """End as the kernel ends a worker that holds a whole file in memory: without a word, and the container lives on."""
    if int(request.META["CONTENT_LENGTH"]) <= settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
        return upload_clients(request)
    while request.read(1 << 16):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@csrf_exempt
def marker_false(request: HttpRequest) -> HttpResponse:
    return _answer_with(request, load_test_mode=False)


@csrf_exempt
def runs_out_of_memory(request: HttpRequest) -> HttpResponse:
    return HttpResponse(bytearray(1 << 62))


@csrf_exempt
def miscounts(request: HttpRequest) -> HttpResponse:
    return _answer_with(request, processed_count=7)


@csrf_exempt
def reads_another_field(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.FILES["spreadsheet"].name)


@csrf_exempt
def wants_another_field(request: HttpRequest) -> HttpResponse:
    form = UploadForm(request.POST, request.FILES)
    form.is_valid()
    return JsonResponse(form.errors, status=400)


@csrf_exempt
def answers_with_a_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Thank you</title>")


@csrf_exempt
def reads_whole_body(request: HttpRequest) -> HttpResponse:
    len(request.body)
    return upload_clients(request)


@csrf_exempt
def redirects_when_done(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/clients/done/")


@csrf_exempt
def slow(request: HttpRequest) -> HttpResponse:
    time.sleep(SLOW_SECONDS)
    return upload_clients(request)


@csrf_exempt
def hangs(request: HttpRequest) -> HttpResponse:
    time.sleep(HANGING_SECONDS)
    return upload_clients(request)


@csrf_exempt
def stuck(request: HttpRequest) -> HttpResponse:
    """Hang where no signal gets through, as in a library that does not return to Python."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGABRT})
    return hangs(request)


@csrf_exempt
@require_GET
def takes_get_only(request: HttpRequest) -> HttpResponse:
    return HttpResponse("a list of uploads")


@csrf_exempt
def throttles(request: HttpRequest) -> HttpResponse:
    detail = "Request was throttled. Expected available in 1 second."
    return JsonResponse({"detail": detail}, status=429, headers={"Retry-After": "1"})


@csrf_exempt
def unavailable(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"detail": "the database is in maintenance"}, status=503)
