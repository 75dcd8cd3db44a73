"""The expressions of the CRD's rules mean here what they mean to the API server."""

from typing import Any

import pytest

from loadtest_model.admission.cel import CelError, holds, parse, re2

URL = "http://django.shop.svc:8000/u/"


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("self == 1", 1, True),
        ("self >= 2 && self < 10", 9, True),
        ("!(self > 1) || self == 5", 5, True),
        ("self in ['a', 'b']", "b", True),
        ("'x' in self", {"x": 1}, True),
        ("has(self.a)", {}, False),
        ("has(self.a) && has(self.a.b)", {"a": {"b": 0}}, True),
        ("has(self.a) != has(self.b)", {"a": 1}, True),
        ("self.a.b == 'c'", {"a": {"b": "c"}}, True),
        ("self.all(n, n.startsWith('x-'))", {"x-a": 1, "x-b": 2}, True),
        ("self.exists(s, s.users > 0)", [{"users": 0}, {"users": 3}], True),
        ("self.exists_one(n, n == 1)", [1, 1], False),
        ("self.filter(n, n > 1).size() == 2", [1, 2, 3], True),
        ("self.map(n, n * 2) == [2, 4]", [1, 2], True),
        ("size(self) < 3 ? self == 'ab' : false", "ab", True),
        ("self.lowerAscii().replace('_', '-') == 'x-a'", "X_A", True),
        ("self.matches('^[a-z]+$')", "abc\n", False),
        (r"self.matches('^[^\"\\x00-\\x1f]+$')", "a\n", False),
        (r"self.matches(r'^\d+$')", "12", True),
        ("duration(self) >= duration('1s')", "1m30s", True),
        ("duration(self) < duration('1s')", "900ms", True),
        ("isURL(self)", "clients", False),
        ("isIP(self)", "10.0.0.7", True),
        ("isIP(self)", "fd00::1", True),
        ("isIP(self)", "10.0.0.07", False),
        ("isIP(self)", "::ffff:10.0.0.7", False),
        ("isIP(self)", "fe80::1%eth0", False),
        ("isIP(self)", "host", False),
        ("isURL(self)", "http://a b/", False),
        ("isURL(self)", "http://h/%zz", False),
        ("url(self).getScheme() == 'http' && url(self).getHostname() == 'django.shop.svc'", URL, True),
        ("url(self).getPort() == '8000' && int(url(self).getPort()) < 65536", URL, True),
        ("url(self).getPort() == ''", "http://u:p@[fd00::1]/", True),
        ("self[0] + self[1] == 3 && 7 / 2 == 3 && -7 % 2 == -1 && 1 - 2 == -1", [1, 2], True),
    ],
)
def test_an_expression_is_evaluated(text: str, value: Any, expected: bool) -> None:
    assert holds(text, value) is expected


@pytest.mark.parametrize("text", ["self.a == 1 || true", "true || self.a == 1", "!(self.a == 1 && false)"])
def test_a_decisive_side_outweighs_an_error_on_the_other(text: str) -> None:
    assert holds(text, {})


@pytest.mark.parametrize(
    "text", ["self.a", "self.a == 1", "int('x') == 1", "self < 1", "self ? true : true", "nothing", "[1][2] == 1"]
)
def test_what_cannot_be_evaluated_does_not_hold(text: str) -> None:
    with pytest.raises(CelError):
        parse(text)({"self": {}})
    assert not holds(text + " || false", {})


@pytest.mark.parametrize(
    "text", ["", "self ==", "self.", "f(", "undefined(1)", "self.undefined()", "'open", "a b", "@"]
)
def test_what_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(CelError):
        parse(text)({"self": {}})


def test_a_dollar_sign_is_the_very_end_of_a_text_unless_it_is_meant_itself() -> None:
    assert re2("^a$").search("a\n") is None
    assert re2(r"^a\$[$]$").search("a$$")
