"""From an answer and its request to the cause of the failure."""

import json
from typing import Any

import pytest
from multidict import CIMultiDict
from yarl import URL

from loadgen.answers.diagnosing import diagnose
from loadgen.answers.judging import AnswerJudgement, AnswerPaths, HttpAnswer, judge
from loadgen.answers.request_facts import RequestFacts
from loadgen.answers.signs import AnsweredUpload
from loadtest_model.explanations import explanation_of
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind

PATHS = AnswerPaths("load_test_mode", "processed_count", "load_test_nonce")
DJANGO_400 = "<!doctype html><html><head><title>Bad Request (400)</title></head><h1>Bad Request (400)</h1><p></p>"
DJANGO_403 = "<!doctype html><title>403 Forbidden</title><h1>403 Forbidden</h1><p></p>"
DJANGO_500 = "<!doctype html><title>Server Error (500)</title><h1>Server Error (500)</h1><p></p>"
NGINX = (
    "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center><hr><center>nginx/1.22.1</center></body>"
)
CSRF = (
    "<title>403 Forbidden</title><h1>Forbidden <span>(403)</span></h1><p>CSRF verification failed. Request aborted.</p>"
)
MEGABYTE = 1_000_000
GUARD = {
    "success": False,
    "code": "load_test_refused",
    "message": "a load test needs a token: send the one of `manage.py loadtest_token` as `Authorization: LoadTest"
    " <token>` or `Load-Test-Token: <token>`",
}


def facts(**changes: Any) -> RequestFacts:
    made: dict[str, Any] = {
        "url": URL("http://clients.shop.svc:8000/clients/upload/process/"),
        "scheme": None,
        "is_token_expired": False,
        "body_bytes": 300,
        "most_accepted_bytes": 0,
        **changes,
    }
    return RequestFacts(**made)


def cause(status: int, body: object = "", known: RequestFacts | None = None, **headers: str) -> Cause | None:
    """What an answer with this status, body and headers is diagnosed as; `_` in a header's name stands for `-`."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    answer = HttpAnswer(
        status, CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}), content
    )
    return diagnose(judge(answer, 5, "nonce", PATHS), answer, known or facts())


def raised(name: str, message: str) -> str:
    """Django's report of an exception, as it is with DEBUG and for a client that takes no HTML."""
    return f"{name} at /clients/upload/process/\n{message}\n\nRequest Method: POST\nSettings: ALLOWED_HOSTS CSRF_COOKIE"


def test_an_acceptance_has_no_cause() -> None:
    assert cause(200, {"load_test_mode": True, "processed_count": 5}) is None


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        ({"success": True}, {}, Cause.MARKER_MISSING),
        ("", {}, Cause.MARKER_MISSING),
        ({"load_test_mode": False}, {}, Cause.MARKER_FALSE),
        ("<!doctype html><title>Thank you</title>", {}, Cause.NOT_JSON),
        ("Thank you", {"Content_Type": "text/html; charset=utf-8"}, Cause.NOT_JSON),
        ({"load_test_mode": True, "processed_count": 4}, {}, Cause.ROWS_MISCOUNTED),
        ({"load_test_mode": True, "success": False, "message": "row 3 has no e-mail"}, {}, Cause.FILE_REFUSED),
        ({"load_test_mode": True, "success": False, "message": "No file uploaded"}, {}, Cause.WRONG_FILE_FIELD),
    ],
)
def test_a_success_that_breaks_the_contract(body: object, headers: dict[str, str], expected: Cause) -> None:
    assert cause(200, body, **headers) is expected


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://clients.shop.svc/clients/upload/process/", Cause.HTTPS_REDIRECT),
        ("https://clients.shop.svc:8000/clients/upload/process/", Cause.HTTPS_REDIRECT),
        ("http://www.shop.example/clients/upload/process/", Cause.HOST_REDIRECT),
        ("/accounts/login/?next=/clients/upload/process/", Cause.LOGIN_REDIRECT),
        ("https://sso.example/oauth2/authorize?client_id=7", Cause.LOGIN_REDIRECT),
        ("/clients/upload/done/", Cause.REDIRECTED),
        ("/clients/upload/process/", Cause.REDIRECTED),
        ("", Cause.REDIRECTED),
        ("http://[", Cause.REDIRECTED),
    ],
)
def test_a_redirect_is_told_by_what_it_changes(location: str, expected: Cause) -> None:
    assert cause(302, "", Location=location) is expected


@pytest.mark.parametrize("path", ["/clients/upload/process", "/accounts/upload"])
@pytest.mark.parametrize("start", ["", "http://clients.shop.svc:8000"])
def test_a_redirect_to_the_closing_slash(path: str, start: str) -> None:
    asked = facts(url=URL(f"http://clients.shop.svc:8000{path}"))

    assert cause(301, "", asked, Location=f"{start}{path}/") is Cause.SLASH_MISSING


def test_with_debug_the_missing_slash_is_an_error_of_its_own() -> None:
    message = "You called this URL via POST, but the URL doesn't end in a slash and you have APPEND_SLASH set."

    assert cause(500, raised("RuntimeError", message)) is Cause.SLASH_MISSING


@pytest.mark.parametrize(
    ("name", "message", "status", "expected"),
    [
        ("DisallowedHost", "Invalid HTTP_HOST header: 'clients:8000'.", 400, Cause.HOST_NOT_ALLOWED),
        ("RequestDataTooBig", "Request body exceeded ...", 400, Cause.DJANGO_BODY_LIMIT),
        ("TooManyFieldsSent", "The number of GET/POST parameters exceeded ...", 400, Cause.TOO_MANY_FIELDS),
        ("MultiValueDictKeyError", "'upload'", 500, Cause.WRONG_FILE_FIELD),
        ("MemoryError", "", 500, Cause.OUT_OF_MEMORY),
        ("FileNotFoundError", "[Errno 2] No such file or directory: '/x/tmpab.upload.csv'", 500, Cause.UPLOAD_FOLDER),
        ("PermissionError", "[Errno 13] Permission denied: '/x/tmpab.upload.csv'", 500, Cause.UPLOAD_FOLDER),
        ("OSError", "[Errno 28] No space left on device", 500, Cause.UPLOAD_FOLDER),
        ("PermissionError", "[Errno 13] Permission denied: '/data/export.csv'", 500, Cause.SERVER_ERROR),
        ("ValueError", "No space left on device", 500, Cause.SERVER_ERROR),
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_the_exception_in_djangos_report(name: str, message: str, status: int, expected: Cause, html: bool) -> None:
    page = (
        f"<html><head><title>{name}\n         at /clients/upload/process/</title><style>" + 6_000 * " " + "</style>"
        f'<pre class="exception_value">{message.replace(chr(39), "&#x27;")}</pre>'
    )

    assert cause(status, page if html else raised(name, message)) is expected


def test_djangos_bare_400_is_the_host_at_first_contact() -> None:
    assert cause(400, DJANGO_400) is Cause.HOST_NOT_ALLOWED


def test_djangos_bare_400_is_the_size_once_a_smaller_upload_was_accepted() -> None:
    larger = facts(body_bytes=3 * MEGABYTE, most_accepted_bytes=MEGABYTE)
    smaller = facts(body_bytes=MEGABYTE, most_accepted_bytes=MEGABYTE)

    assert cause(400, DJANGO_400, larger) is Cause.DJANGO_BODY_LIMIT
    assert cause(400, DJANGO_400, smaller) is Cause.FILE_REFUSED


def test_gunicorns_own_page_after_a_second_or_more_is_its_time_out() -> None:
    page = "<html>\n <title>Internal Server Error</title><body><h1><p>Internal Server Error</p></h1></body>"

    assert cause(500, page, facts(age_seconds=30.2)) is Cause.WORKER_TIMEOUT
    assert cause(500, page, facts(age_seconds=0.2)) is Cause.SERVER_ERROR
    assert cause(500, DJANGO_500, facts(age_seconds=30.2)) is Cause.SERVER_ERROR


def test_a_bare_500_is_the_upload_folder_where_only_those_fail_that_django_writes_to_it() -> None:
    spilling = facts(body_bytes=3 * MEGABYTE, most_accepted_bytes=2 * MEGABYTE)

    assert cause(500, DJANGO_500, spilling) is Cause.UPLOAD_FOLDER
    assert cause(500, DJANGO_500) is Cause.SERVER_ERROR
    assert cause(500, DJANGO_500, facts(body_bytes=3 * MEGABYTE)) is Cause.SERVER_ERROR
    assert (
        cause(500, DJANGO_500, facts(body_bytes=4 * MEGABYTE, most_accepted_bytes=3 * MEGABYTE)) is Cause.SERVER_ERROR
    )


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "message": "no file in the form field 'upload'"},
        {"file": ["No file was submitted."]},
        {"csv_file": ["This field is required."]},
        {"error": "File is required"},
        {"error": "Missing upload file"},
        "MultiValueDictKeyError",
    ],
)
def test_a_file_that_the_view_looks_for_elsewhere(body: object) -> None:
    assert cause(400, body) is Cause.WRONG_FILE_FIELD


@pytest.mark.parametrize("status", [400, 409, 422])
@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "message": "5 rows are not valid"},
        {"error": "The file is not a valid CSV"},
        {"error": "not an XLSX file: no file extension is known"},
        {"errors": [{"email": ["This field is required."]}]},
    ],
)
def test_a_file_that_the_view_refuses(status: int, body: object) -> None:
    assert cause(status, body) is Cause.FILE_REFUSED


@pytest.mark.parametrize(
    ("status", "body", "challenge", "scheme", "expected"),
    [
        (401, {"detail": "Authentication credentials were not provided."}, "Bearer", None, Cause.TOKEN_MISSING),
        (401, "", "", None, Cause.TOKEN_MISSING),
        (403, {"detail": "Authentication credentials were not provided."}, "", None, Cause.TOKEN_MISSING),
        (401, {"detail": "Authentication credentials were not provided."}, "", "Bearer", Cause.TOKEN_SCHEME),
        (401, "", "Token", "Bearer", Cause.TOKEN_SCHEME),
        (401, "", 'Basic realm="api"', "Bearer", Cause.TOKEN_SCHEME),
        (401, {"code": "token_missing"}, "Bearer", "Token", Cause.TOKEN_SCHEME),
        (401, {"detail": "Invalid token."}, "Token", "Token", Cause.TOKEN_REFUSED),
        (401, {"code": "token_not_valid", "detail": "Given token not valid"}, "Bearer", "Bearer", Cause.TOKEN_REFUSED),
        (401, {"messages": [{"message": "Token is expired"}]}, "Bearer", "Bearer", Cause.TOKEN_EXPIRED),
        (401, {"detail": "Signature has expired."}, "", "JWT", Cause.TOKEN_EXPIRED),
        (401, "", 'Bearer error_description="The access token expired"', "Bearer", Cause.TOKEN_EXPIRED),
        (403, {"detail": "Token has expired"}, "", "Bearer", Cause.TOKEN_EXPIRED),
        (403, {"detail": "Invalid token."}, "", "Token", Cause.TOKEN_REFUSED),
        (403, GUARD, "", None, Cause.TOKEN_MISSING),
        (403, GUARD, "", "Bearer", Cause.TOKEN_SCHEME),
        (403, {**GUARD, "message": "the token is not valid"}, "", "LoadTest", Cause.TOKEN_REFUSED),
    ],
)
def test_an_upload_whose_token_is_not_taken(
    status: int, body: object, challenge: str, scheme: str | None, expected: Cause
) -> None:
    headers = {"WWW_Authenticate": challenge} if challenge else {}

    assert cause(status, body, facts(scheme=scheme), **headers) is expected


@pytest.mark.parametrize("each", [Cause.TOKEN_MISSING, Cause.TOKEN_SCHEME, Cause.TOKEN_REFUSED])
def test_what_to_do_about_the_token_names_the_scheme_and_the_command_of_the_guard(each: Cause) -> None:
    next_step = explanation_of(each).next_step

    assert "spec.target.auth.scheme" in next_step
    assert "LoadTest" in next_step
    assert "manage.py loadtest_token" in next_step


def test_a_token_that_has_expired_by_its_own_word_is_told_whatever_the_answer_says() -> None:
    assert cause(401, "", facts(scheme="Bearer", is_token_expired=True)) is Cause.TOKEN_EXPIRED


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (CSRF, {}, Cause.CSRF),
        ({"detail": "CSRF Failed: CSRF token missing."}, {}, Cause.CSRF),
        (DJANGO_403, {}, Cause.PERMISSION_DENIED),
        ({"detail": "You do not have permission to perform this action."}, {}, Cause.PERMISSION_DENIED),
        (
            {"detail": "You do not have permission to perform this action."},
            {"Access_Control_Allow_Origin": "*"},
            Cause.PERMISSION_DENIED,
        ),
        (DJANGO_403, {"Access_Control_Allow_Origin": "https://shop.example"}, Cause.CORS),
        ("Invalid CORS request", {}, Cause.CORS),
        (NGINX.format("403 Forbidden"), {}, Cause.PROXY_REFUSED),
        ("RBAC: access denied", {}, Cause.PROXY_REFUSED),
    ],
)
def test_a_403_of_csrf_of_permissions_and_of_others(body: object, headers: dict[str, str], expected: Cause) -> None:
    assert cause(403, body, facts(scheme="Bearer"), **headers) is expected


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (413, NGINX.format("413 Request Entity Too Large"), {}, Cause.PROXY_BODY_LIMIT),
        (413, "Payload Too Large", {"Server": "istio-envoy"}, Cause.PROXY_BODY_LIMIT),
        (413, "", {"Via": "1.1 varnish"}, Cause.PROXY_BODY_LIMIT),
        (413, {"detail": "too large"}, {"Server": "nginx"}, Cause.BODY_LIMIT),
        (413, "too large", {"Server": "gunicorn"}, Cause.BODY_LIMIT),
        (429, {"detail": "Request was throttled."}, {}, Cause.THROTTLED),
        (502, NGINX.format("502 Bad Gateway"), {}, Cause.PROXY_BAD_GATEWAY),
        (503, NGINX.format("503 Service Temporarily Unavailable"), {}, Cause.PROXY_UNAVAILABLE),
        (503, "no healthy upstream", {"Server": "envoy"}, Cause.PROXY_UNAVAILABLE),
        (503, "", {"Server": "awselb/2.0"}, Cause.PROXY_UNAVAILABLE),
        (503, {"detail": "database is down"}, {"Server": "nginx"}, Cause.SERVICE_UNAVAILABLE),
        (504, "upstream request timeout", {"Server": "envoy"}, Cause.PROXY_TIMEOUT),
        (404, "<h1>Not Found</h1>", {}, Cause.WRONG_URL),
        (404, "default backend - 404", {}, Cause.PROXY_REFUSED),
        (405, "", {"Allow": "GET"}, Cause.METHOD_NOT_ALLOWED),
        (408, "", {}, Cause.BODY_TOO_SLOW),
        (415, {"detail": 'Unsupported media type "multipart/form-data" in request.'}, {}, Cause.WRONG_CONTENT_TYPE),
        (418, "", {}, Cause.CLIENT_ERROR),
        (500, DJANGO_500, {}, Cause.SERVER_ERROR),
        (500, {"error": "MemoryError"}, {}, Cause.OUT_OF_MEMORY),
        (507, "", {}, Cause.SERVER_ERROR),
        (400, "<center>The plain HTTP request was sent to HTTPS port</center>", {}, Cause.TLS_EXPECTED),
        (400, "<center>No required SSL certificate was sent</center>", {}, Cause.TLS_CLIENT_CERTIFICATE),
        (400, "Client sent an HTTP request to an HTTPS server.\n", {}, Cause.TLS_EXPECTED),
        (400, NGINX.format("400 Bad Request"), {}, Cause.PROXY_REFUSED),
    ],
)
def test_other_answers(status: int, body: object, headers: dict[str, str], expected: Cause) -> None:
    assert cause(status, body, **headers) is expected


@pytest.mark.parametrize(
    ("kind", "detail", "expected"),
    [
        (ErrorKind.REFUSED, "", Cause.CONNECTION_REFUSED),
        (ErrorKind.DNS, "", Cause.NAME_NOT_RESOLVED),
        (ErrorKind.CONNECT_TIMEOUT, "", Cause.CONNECT_TIMEOUT),
        (ErrorKind.TIMEOUT, "", Cause.TIMED_OUT),
        (ErrorKind.RESET, "the connection was lost before a complete answer", Cause.CONNECTION_RESET),
        (ErrorKind.NO_SOCKET, "no connection: Too many open files", Cause.NO_SOCKET),
        (ErrorKind.NO_ADDRESS, "connections to 169.254.169.254 are not allowed", Cause.ADDRESS_NOT_ALLOWED),
        (ErrorKind.TLS, "TLS: the target's certificate has expired (certificate has expired)", Cause.TLS_CERTIFICATE),
        (ErrorKind.TLS, "TLS: the port speaks no TLS, most likely plain HTTP", Cause.TLS_NOT_SPOKEN),
        (ErrorKind.TLS, "TLS: the target wants a client's certificate", Cause.TLS_CLIENT_CERTIFICATE),
        (ErrorKind.TLS, "TLS: the target speaks no TLS 1.2 or newer", Cause.TLS_FAILED),
        (ErrorKind.BAD_ANSWER, "Bad status line: b'\\x15\\x03\\x03'", Cause.TLS_EXPECTED),
        (ErrorKind.BAD_ANSWER, "the answer is not HTTP", Cause.NOT_HTTP),
        (ErrorKind.CANCELLED, "", None),
    ],
)
def test_an_upload_without_a_complete_answer(kind: ErrorKind, detail: str, expected: Cause | None) -> None:
    assert diagnose(AnswerJudgement(kind, detail), None, facts()) is expected


def test_a_reset_of_the_first_upload_that_django_would_write_to_its_folder() -> None:
    cut = AnswerJudgement(ErrorKind.RESET, "the connection was lost before a complete answer")
    spilling = {"body_bytes": 3 * MEGABYTE, "most_accepted_bytes": 2 * MEGABYTE}

    assert diagnose(cut, None, facts(**spilling, age_seconds=0.1)) is Cause.UPLOAD_FOLDER
    assert diagnose(cut, None, facts(**spilling, age_seconds=30.1)) is Cause.CONNECTION_RESET
    assert diagnose(cut, None, facts(body_bytes=3 * MEGABYTE)) is Cause.CONNECTION_RESET


def test_a_connection_that_was_closed_on_the_first_body_of_its_size_that_was_read_whole() -> None:
    cut = AnswerJudgement(ErrorKind.RESET, "the connection was lost before a complete answer: Server disconnected")
    spilling = {"body_bytes": 6 * MEGABYTE, "most_accepted_bytes": 2 * MEGABYTE, "is_body_read": True}

    assert diagnose(cut, None, facts(**spilling, age_seconds=0.1)) is Cause.WORKER_KILLED
    assert diagnose(cut, None, facts(**{**spilling, "body_bytes": 5_000, "most_accepted_bytes": 900})) is (
        Cause.WORKER_KILLED
    )
    assert diagnose(cut, None, facts(**spilling, age_seconds=30.1)) is Cause.CONNECTION_RESET
    # The files of a load differ by some bytes, and one of their size was accepted before.
    assert diagnose(cut, None, facts(**{**spilling, "body_bytes": 3 * MEGABYTE})) is Cause.CONNECTION_RESET
    assert diagnose(cut, None, facts(**{**spilling, "most_accepted_bytes": 0})) is Cause.CONNECTION_RESET


@pytest.mark.parametrize(
    ("body", "by_proxy"),
    [
        (NGINX.format("502 Bad Gateway"), True),
        ("upstream connect error or disconnect/reset before headers. reset reason: overflow", True),
        ("<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.", True),
        ("<html><center><h1>504 Gateway Time-out</h1></center></html><center>awselb/2.0", True),
        ("<p>The proxy server received an invalid response from an upstream server.", True),
        ("Bad Gateway", True),
        ("default backend - 404", True),
        ('{"detail": "bad gateway"}', False),
        ("the view speaks of nginx and of no healthy upstream", False),
    ],
)
def test_a_proxys_page_is_known_by_its_form(body: str, by_proxy: bool) -> None:
    assert AnsweredUpload(HttpAnswer(502, {}, body.encode()), facts()).is_proxy_page is by_proxy


def test_a_proxy_on_the_way_is_told_by_headers() -> None:
    def is_behind_proxy(**headers: str) -> bool:
        return AnsweredUpload(HttpAnswer(200, CIMultiDict(headers), b""), facts()).is_behind_proxy

    assert is_behind_proxy(server="nginx/1.22.1")
    assert is_behind_proxy(via="1.1 proxy")
    assert not is_behind_proxy(server="gunicorn")


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (426, "", {"Upgrade": "h2c"}),
        (505, "", {}),
        (403, "Unknown ALPN Protocol, expected `h2` to be available.", {}),
        (403, "Missing ALPN Protocol, expected `h2` to be available.", {}),
    ],
)
def test_what_servers_of_http2_say_to_others_names_the_protocol(
    status: int, body: str, headers: dict[str, str]
) -> None:
    assert cause(status, body, **headers) is Cause.HTTP2_ONLY


def test_another_upgrade_that_is_wanted_is_not_http2() -> None:
    assert cause(426, "", Upgrade="websocket") is Cause.CLIENT_ERROR
