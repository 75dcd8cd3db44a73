"""Elements, and text that never becomes markup."""

from loadtest_model.pages.elements import append, clean_text, element, fragment_html, percent, sentence, value_text


def test_text_and_attributes_are_escaped() -> None:
    hostile = element("p", "<b>&amp;</b>", title='"><script>', data_note="a & b")

    assert fragment_html(hostile) == (
        '<p title="&quot;&gt;<script&gt;" data-note="a &amp; b">&lt;b&gt;&amp;amp;&lt;/b&gt;</p>'
    )


def test_children_stand_in_their_order_and_none_is_no_child() -> None:
    parent = element("p", "one ", element("b", "two"), None, " three", [element("i"), " four"], class_="x", id=None)
    append(parent, " five")

    assert fragment_html(parent) == '<p class="x">one <b>two</b> three<i></i> four five</p>'


def test_control_characters_are_replaced_and_lines_stay() -> None:
    assert (
        clean_text("a\x00b\x1b[31m\x9bc\ud800\u202ed\r\ne\tf\rg")
        == "a\ufffdb\ufffd[31m\ufffdc\ufffd\ufffdd\ne\tf\ufffdg"
    )
    assert clean_text("é 東京 🚀 עברית") == "é 東京 🚀 עברית"


def test_numbers_have_no_more_digits_than_a_drawing_needs() -> None:
    assert [value_text(value) for value in (1.0, 0.3333, 12, 100.10, "x")] == ["1", "0.33", "12", "100.1", "x"]
    assert percent(0.12345) == "12.35%"


def test_a_message_becomes_a_sentence() -> None:
    assert sentence("threshold p95 < 20s is breached") == "Threshold p95 < 20s is breached."
    assert sentence("custom: it rises.") == "custom: it rises."
    assert sentence("10.0.0.5:8000 answered 200") == "10.0.0.5:8000 answered 200."
    assert sentence("client_id C1 was found") == "client_id C1 was found."
