"""The headers of every upload."""

import pytest

from loadgen.http.request_headers import header_lines, request_head, upload_headers


def test_every_upload_says_that_it_is_a_load_test_of_which_run_and_for_which_host() -> None:
    headers = upload_headers({}, "django.shop.svc:8000", "nightly-7")

    assert headers["X-Load-Test"] == "true"
    assert headers["X-Load-Test-Run"] == "nightly-7"
    assert headers["Host"] == "django.shop.svc:8000"


def test_only_encodings_that_are_read_here_are_asked_for() -> None:
    headers = upload_headers({}, "django", "1")

    assert headers["Accept-Encoding"] == "gzip, deflate"


def test_a_user_s_header_is_added_and_may_replace_accept_and_user_agent() -> None:
    headers = upload_headers({"X-Tenant": "t1", "user-agent": "ours"}, "django", "1")

    assert headers["X-Tenant"] == "t1"
    assert headers.getall("User-Agent") == ["ours"]


@pytest.mark.parametrize(
    "name",
    [
        "X-Load-Test",
        "x-load-test-run",
        "X_Load_Test",
        "HOST",
        "Content-Length",
        "content-type",
        "Authorization",
        "Expect",
        "Accept-Encoding",
    ],
)
def test_a_header_of_the_generator_cannot_be_set(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        upload_headers({name: "1"}, "django", "1")


def test_a_value_cannot_begin_another_header() -> None:
    with pytest.raises(ValueError, match="X-Tenant"):
        upload_headers({"X-Tenant": "t1\r\nX-Load-Test: false"}, "django", "1")


@pytest.mark.parametrize("name", ["", "X Tenant", "X-Tenant\n", "X-Tenant:", "X-Tenant\r\nX-Load-Test", "Xé"])
def test_a_name_that_http_does_not_allow_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a header"):
        upload_headers({name: "1"}, "django", "1")


def test_a_request_begins_with_its_line_and_its_headers() -> None:
    assert request_head("/u/?a=1", {"Host": "django", "X-Name": "é"}) == (
        "POST /u/?a=1 HTTP/1.1\r\nHost: django\r\nX-Name: é\r\n".encode()
    )


@pytest.mark.parametrize("value", ["a\r\nX-Load-Test: false", "a\nb", "a\rb", "a\0b"])
def test_no_header_can_smuggle_another_in(value: str) -> None:
    with pytest.raises(ValueError, match="X-Name"):
        header_lines({"X-Name": value})
