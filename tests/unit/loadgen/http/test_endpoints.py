"""A target's URL taken apart."""

import pytest

from loadgen.http.endpoints import Endpoint, parse_endpoint, site_of
from loadtest_model.urls import parse_url
from support.generated_specs import URLS


@pytest.mark.parametrize(
    ("url", "host_header", "port"),
    [
        ("http://django.shop.svc:8000/clients/upload/process/", "django.shop.svc:8000", 8000),
        ("http://django.shop.svc/u/", "django.shop.svc", 80),
        ("http://django.shop.svc:80/u/", "django.shop.svc", 80),
        ("https://api.example.com/u/", "api.example.com", 443),
        ("https://api.example.com:8443/u/", "api.example.com:8443", 8443),
        ("http://[fd00::7]:8000/u/", "[fd00::7]:8000", 8000),
        ("http://xn--bcher-kva.example/u/", "xn--bcher-kva.example", 80),
    ],
)
def test_the_host_header_names_the_target_as_the_url_does(url: str, host_header: str, port: int) -> None:
    site = site_of(url)

    assert (site.host_header, site.port) == (host_header, port)


def test_a_request_keeps_path_and_query() -> None:
    assert site_of("https://api.example.com/u/%C3%A9/?a=1%262").request_target == "/u/%C3%A9/?a=1%262"
    assert site_of("http://django").request_target == "/"


def test_tls_asks_for_the_name_in_the_url() -> None:
    assert site_of("https://api.example.com/u/").server_hostname == "api.example.com"
    assert site_of("http://api.example.com/u/").server_hostname is None


def test_an_address_in_the_url_needs_no_resolving() -> None:
    assert site_of("http://127.0.0.1:8000/u/").literal_endpoint == Endpoint("127.0.0.1", 8000)
    assert site_of("http://[::1]:8000/u/").literal_endpoint == Endpoint("::1", 8000)
    assert site_of("http://localhost:8000/u/").literal_endpoint is None


@pytest.mark.parametrize("url", ["", "django", "ftp://django/u/", "http:///u/", "http://django:99999/", "//django/u/"])
def test_what_is_no_http_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        site_of(url)


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_a_spec_may_have_is_read_as_the_model_reads_it(url: str) -> None:
    parts = parse_url(url)
    if parts is None:
        return

    site = site_of(url)

    assert (site.url.scheme, site.port) == (parts.scheme, parts.port)
    assert site.host.removesuffix(".") == parts.host.removesuffix(".").replace("10.0.0.5", "a00:5")


def test_credentials_in_a_url_are_refused_without_repeating_them() -> None:
    with pytest.raises(ValueError, match="without credentials") as refusal:
        site_of("http://user:hunter2@django/u/")

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("text", ["10.0.0.7:8000", "[fd00::7]:8000"])
def test_an_endpoint_reads_as_it_is_written(text: str) -> None:
    assert str(parse_endpoint(text)) == text


@pytest.mark.parametrize("text", ["10.0.0.7", "django:80", "10.0.0.7:0", "10.0.0.7:x", "10.0.0.7:70000", ""])
def test_what_is_no_endpoint_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="not an address with a port"):
        parse_endpoint(text)
