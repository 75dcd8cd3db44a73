"""A URL for each mistake, beside the example's own."""

from django.urls import include, path

from misconfigured import views

MISTAKES = {
    "crashes": views.crashes,
    "csrf": views.wants_csrf_token,
    "cors": views.forbids_with_cors_headers,
    "encoded-br": views.answers_in_brotli,
    "encoded-raw": views.answers_in_raw_deflate,
    "encoded-twice-named": views.answers_in_gzip_and_identity,
    "fails": views.fails,
    "fails-with-rows": views.fails_with_rows,
    "fails-without-rows": views.fails_without_rows,
    "forbids": views.forbids,
    "get-only": views.takes_get_only,
    "hangs": views.hangs,
    "ignores-header": views.ignores_header,
    "killed": views.killed_by_large_files,
    "json-only": views.takes_json_only,
    "log-in": views.sends_to_log_in,
    "marker-false": views.marker_false,
    "memory": views.runs_out_of_memory,
    "miscounts": views.miscounts,
    "other-field": views.reads_another_field,
    "page": views.answers_with_a_page,
    "reads-body": views.reads_whole_body,
    "redirects": views.redirects_when_done,
    "slow": views.slow,
    "stuck": views.stuck,
    "throttles": views.throttles,
    "unavailable": views.unavailable,
    "wants-field": views.wants_another_field,
}

urlpatterns = [
    path("", include("config.urls")),
    *(path(f"mistakes/{name}/", view) for name, view in MISTAKES.items()),
]
