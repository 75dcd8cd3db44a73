"""Which URLs are taken, and what they are made of."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_model.urls import UrlParts, parse_url
from support.generated_specs import URLS

_TEXTS = st.text(st.sampled_from("aB0.-_:/?#@%[]\\ \n\x7f{}<é。"), max_size=20)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://clients/", UrlParts("http", "clients", 80)),
        ("HTTPS://Clients.Shop.svc?x", UrlParts("https", "clients.shop.svc", 443)),
        ("http://clients:8000", UrlParts("http", "clients", 8000)),
        ("http://clients:/", UrlParts("http", "clients", 80)),
        ("http://[FD00::7]:8000/é/{client_id}?a=%", UrlParts("http", "fd00::7", 8000)),
        ("http://clients.shop.svc.cluster.local./", UrlParts("http", "clients.shop.svc.cluster.local", 80)),
        ("http://clients./", UrlParts("http", "clients.", 80)),
        ("http://a_b-c/", UrlParts("http", "a_b-c", 80)),
    ],
)
def test_a_url_is_taken_apart(url: str, parts: UrlParts) -> None:
    assert parse_url(url) == parts


@pytest.mark.parametrize(
    "url",
    [
        *("", "clients", "//clients/", "ftp://clients/", "http:///x", "http:clients", "http://"),
        *("http://clients:0/", "http://clients:65536/", "http://clients:8a/", "http://clients:+80/"),
        *("http://u:p@clients/", "http://clients\\@example.com/", "http://clients/#x", "http://clients/a b"),
        *("http://clients\n/", "http://clients/\n", " http://clients/", "http://clients/\x00", "http://clients/\\"),
        *("http://[:::]/", "http://[1.2.3.4]/", "http://[::1%25eth0]/", "http://[clients]/", "http://::1/"),
        *("http://é/", "http://clients。example/", "http://a%C3%A9/", "http://a{client_id}/", "http://a<b/"),
        *("http://clients/%zz", "http://clients/%4"),
    ],
)
def test_what_readers_of_urls_may_differ_about_is_not_taken(url: str) -> None:
    assert parse_url(url) is None


@given(st.sampled_from(URLS) | _TEXTS.map("http://a{}".format) | _TEXTS)
def test_another_reader_of_a_url_that_is_taken_reads_the_same(url: str) -> None:
    parts = parse_url(url)
    if parts is None:
        return

    other_parts = urlsplit(url)

    assert other_parts.scheme == parts.scheme
    assert (other_parts.hostname or "").rstrip(".") == parts.host.rstrip(".")
    assert other_parts.port in (parts.port, None)
    assert other_parts.username is other_parts.password is None
