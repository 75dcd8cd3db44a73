"""What people would read of an answer."""

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


def test_what_is_no_page_is_read_as_it_is() -> None:
    assert readable_text(b'{"message": "1 < 2  and <b>"}') == '{"message": "1 < 2  and <b>"}'
    assert readable_text(b"") == ""
    assert readable_text(b"\xff") == "\N{REPLACEMENT CHARACTER}"


def test_a_page_that_is_cut_in_its_style_has_the_text_before_it() -> None:
    assert readable_text(b"<title>ValueError at /</title><style>" + 20_000 * b"x") == "ValueError at /"
