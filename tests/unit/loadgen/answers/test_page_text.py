"""What people would read of an answer."""

import pytest

from loadgen.answers.page_text import readable_text


def test_of_a_page_its_text_is_read_and_nothing_else() -> None:
    page = b"""<!DOCTYPE html> <html><head><title>403 Forbidden</title>
    <style type="text/css">h1 { color: red }</style><script>alert("<b>")</script><!-- a note --></head>
    <body><h1>Forbidden <span>(403)</span></h1><p>CSRF verification failed &mdash; a &lt; b.</p></body></html>"""

    assert readable_text(page) == "403 Forbidden Forbidden (403) CSRF verification failed \N{EM DASH} a < b."


def test_a_heading_that_repeats_the_title_is_read_once() -> None:
    page = b"<title>Bad Request (400)</title><h1>Bad Request (400)</h1><p></p>"

    assert readable_text(page) == "Bad Request (400)"
    assert readable_text(b"<title>Not Found</title><h1>Not Found</h1><p>Gone.</p>") == "Not Found Gone."


# As Django 5.2 answers a request with and without `Accept: text/html`, with fewer lines.
DJANGO_PAGE = """<!DOCTYPE html><html lang="en"><head><title>ValueError at /u/</title><style>h1 { }</style></head><body>
<header id="summary"><h1>ValueError at /u/</h1><pre class="exception_value">price &#x27;x&#x27; is not a number</pre>
<table class="meta"><tr><th scope="row">Request Method:</th><td>POST</td></tr>
<tr><th scope="row">Request URL:</th><td>http://shop/u/</td></tr>
<tr><th scope="row">Django Version:</th><td>5.2.19</td></tr>
<tr><th scope="row">Python Executable:</th><td>/srv/shop/.venv/bin/python</td></tr></table></header></body></html>"""
DJANGO_TEXT = """ValueError at /u/
price 'x' is not a number

Request Method: POST
Request URL: http://shop/u/
Django Version: 5.2.19
Python Executable: /srv/shop/.venv/bin/python
"""


@pytest.mark.parametrize("body", [DJANGO_PAGE, DJANGO_TEXT])
def test_of_a_django_page_about_an_exception_only_the_exception_is_read(body: str) -> None:
    assert " ".join(readable_text(body.encode()).split()) == "ValueError at /u/ price 'x' is not a number"


def test_a_text_that_only_mentions_a_request_is_read_to_its_end() -> None:
    text = "Request Method: POST is not allowed. Request URL: none. See the log."

    assert readable_text(text.encode()) == text


def test_what_is_no_page_is_read_as_it_is() -> None:
    assert readable_text(b'{"message": "1 < 2  and <b>"}') == '{"message": "1 < 2  and <b>"}'
    assert readable_text(b"") == ""
    assert readable_text(b"\xff") == "\N{REPLACEMENT CHARACTER}"


def test_a_page_that_is_cut_in_its_style_has_the_text_before_it() -> None:
    assert readable_text(b"<title>ValueError at /</title><style>" + 20_000 * b"x") == "ValueError at /"
