"""The part of CEL (Common Expression Language) that the rules of the CRD are written in, evaluated on plain JSON.

The API server evaluates the same texts, so that a manifest means the same without a cluster. Functions are those of
the language and of Kubernetes' extensions for strings, URLs and durations; durations are seconds here.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from loadtest_model.values import seconds_of

Scope = Mapping[str, Any]
Node = Callable[[Scope], Any]


class CelError(ValueError):
    """An expression that cannot be read, or cannot be evaluated for these values."""


def parse(text: str) -> Node:
    """The expression as a function of its variables' values; it raises CelError for values that do not fit."""
    reader = _Reader(_tokens(text))
    node = reader.ternary()
    reader.expect("")
    return node


def holds(text: str, self_: Any) -> bool:
    """Whether a rule holds for a value; a rule that cannot be evaluated does not, as for the API server."""
    try:
        return parse(text)({"self": self_}) is True
    except CelError:
        return False


@lru_cache(maxsize=256)
def re2(pattern: str) -> re.Pattern[str]:
    """A pattern in RE2's sense: `$` is the end of the text and nothing before it."""
    made, escaped, in_class = [], False, False
    for character in pattern:
        plain = not escaped
        if plain and character == "$" and not in_class:
            made.append(r"\Z")
        else:
            made.append(character)
        in_class = (in_class and not (plain and character == "]")) or (not in_class and plain and character == "[")
        escaped = plain and character == "\\"
    return re.compile("".join(made))


_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<text>r?'(?:\\.|[^'\\])*'|r?"(?:\\.|[^"\\])*")
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()\[\]])""",
    re.VERBOSE,
)
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise CelError(f"{text[place:]!r} cannot be read")
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup, match.group()))
        place = match.end()
    return [*found, _Token("end", "")]


def _unquoted(literal: str) -> str:
    if literal.startswith("r"):
        return literal[2:-1]

    def character(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code[1:], 16)) if code[0] in "xu" and len(code) > 1 else _ESCAPES.get(code, code)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", character, literal[1:-1])


def _literal(token: _Token) -> Any:
    if token.kind == "number":
        return float(token.text) if "." in token.text else int(token.text)
    if token.kind == "text":
        return _unquoted(token.text)
    if token.kind == "name":
        return _WORDS[token.text]
    raise CelError(f"{token.text!r} stands where a value should")


class _Reader:
    """Recursive descent over the grammar of the language, a method a level of precedence."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def expect(self, text: str) -> None:
        if not self._take(text):
            raise CelError(f"{self._token.text!r} stands where {text or 'the end'!r} should")

    def ternary(self) -> Node:
        condition = self._disjunction()
        if not self._take("?"):
            return condition
        yes = self._disjunction()
        self.expect(":")
        no = self.ternary()
        return lambda scope: yes(scope) if _boolean(condition(scope)) else no(scope)

    @property
    def _token(self) -> _Token:
        return self._tokens[self._place]

    def _take(self, *texts: str) -> str | None:
        token = self._token
        if token.text not in texts or token.kind == "text":
            return None
        self._place += token.kind != "end"
        return token.text or "end"

    def _disjunction(self) -> Node:
        node = self._conjunction()
        while self._take("||"):
            node = _either(node, self._conjunction(), decisive=True)
        return node

    def _conjunction(self) -> Node:
        node = self._relation()
        while self._take("&&"):
            node = _either(node, self._relation(), decisive=False)
        return node

    def _relation(self) -> Node:
        node = self._sum()
        while operator := self._take("<", "<=", ">", ">=", "==", "!=", "in"):
            node = _compared(operator, node, self._sum())
        return node

    def _sum(self) -> Node:
        node = self._product()
        while operator := self._take("+", "-"):
            node = _computed(operator, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._unary()
        while operator := self._take("*", "/", "%"):
            node = _computed(operator, node, self._unary())
        return node

    def _unary(self) -> Node:
        if self._take("!"):
            inner = self._unary()
            return lambda scope: not _boolean(inner(scope))
        if self._take("-"):
            number = self._unary()
            return lambda scope: -number(scope)
        return self._member()

    def _member(self) -> Node:
        node = self._primary()
        while True:
            if self._take("."):
                name = self._name()
                node = self._method(node, name) if self._take("(") else _selected(node, name)
            elif self._take("["):
                index = self.ternary()
                self.expect("]")
                node = _indexed(node, index)
            else:
                return node

    def _name(self) -> str:
        token = self._token
        if token.kind != "name":
            raise CelError(f"{token.text!r} is no name")
        self._place += 1
        return token.text

    def _method(self, owner: Node, name: str) -> Node:
        if name in _MACROS:
            variable = self._name()
            self.expect(",")
            body = self.ternary()
            self.expect(")")
            return _over(_MACROS[name], owner, variable, body)
        return _called(_METHODS, name, [owner, *self._arguments()])

    def _arguments(self) -> list[Node]:
        if self._take(")"):
            return []
        found = [self.ternary()]
        while self._take(","):
            found.append(self.ternary())
        self.expect(")")
        return found

    def _primary(self) -> Node:
        token = self._token
        if self._take("("):
            node = self.ternary()
            self.expect(")")
            return node
        if self._take("["):
            return self._list()
        self._place += 1
        if token.kind == "name" and token.text not in _WORDS:
            return self._function(token.text) if self._take("(") else lambda scope: _variable(scope, token.text)
        value = _literal(token)
        return lambda _scope: value

    def _function(self, name: str) -> Node:
        if name != "has":
            return _called(_FUNCTIONS, name, self._arguments())
        *_, last = arguments = self._arguments()
        if len(arguments) != 1 or not isinstance(last, _Selection):
            raise CelError("has() takes a field, such as has(self.a)")
        return last.present

    def _list(self) -> Node:
        items: list[Node] = []
        while not self._take("]"):
            items.append(self.ternary())
            if not self._take(","):
                self.expect("]")
                break
        return lambda scope: [item(scope) for item in items]


@dataclass(frozen=True, slots=True)
class _Selection:
    """A field of an object."""

    owner: Node
    name: str

    def __call__(self, scope: Scope) -> Any:
        owner = self.owner(scope)
        if not isinstance(owner, dict) or self.name not in owner:
            raise CelError(f"there is no field {self.name}")
        return owner[self.name]

    def present(self, scope: Scope) -> bool:
        owner = self.owner(scope)
        if not isinstance(owner, dict):
            raise CelError(f"what should have a field {self.name} is no object")
        return self.name in owner


def _selected(owner: Node, name: str) -> Node:
    return _Selection(owner, name)


def _indexed(owner: Node, index: Node) -> Node:
    def look(scope: Scope) -> Any:
        try:
            return owner(scope)[index(scope)]
        except (KeyError, IndexError, TypeError) as error:
            raise CelError(f"there is no member {error}") from error

    return look


def _variable(scope: Scope, name: str) -> Any:
    if name not in scope:
        raise CelError(f"there is no variable {name}")
    return scope[name]


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise CelError(f"{value!r} is neither true nor false")
    return value


def _either(left: Node, right: Node, *, decisive: bool) -> Node:
    """`||` (decisive: true) or `&&`: the decisive value on one side outweighs an error on the other."""

    def decide(scope: Scope) -> bool:
        try:
            if _boolean(left(scope)) is decisive:
                return decisive
        except CelError:
            if _boolean(right(scope)) is decisive:
                return decisive
            raise
        return _boolean(right(scope))

    return decide


def _compared(operator: str, left: Node, right: Node) -> Node:
    compare = _COMPARISONS[operator]

    def decide(scope: Scope) -> bool:
        try:
            return compare(left(scope), right(scope))
        except TypeError as error:
            raise CelError(str(error)) from error

    return decide


def _computed(operator: str, left: Node, right: Node) -> Node:
    compute = _ARITHMETIC[operator]

    def decide(scope: Scope) -> Any:
        try:
            return compute(left(scope), right(scope))
        except (TypeError, ZeroDivisionError) as error:
            raise CelError(str(error)) from error

    return decide


def _called(table: Mapping[str, Callable[..., Any]], name: str, arguments: list[Node]) -> Node:
    if name not in table:
        raise CelError(f"there is no function {name}")
    function = table[name]

    def call(scope: Scope) -> Any:
        try:
            return function(*(argument(scope) for argument in arguments))
        except CelError:
            raise
        except (TypeError, ValueError, AttributeError) as error:
            raise CelError(f"{name}: {error}") from error

    return call


def _over(macro: Callable[[list[Any], Callable[[Any], Any]], Any], owner: Node, variable: str, body: Node) -> Node:
    def run(scope: Scope) -> Any:
        items = owner(scope)
        if not isinstance(items, list | dict):
            raise CelError(f"{items!r} is neither a list nor a map")
        return macro(list(items), lambda item: body({**scope, variable: item}))

    return run


def _is_url(text: str) -> bool:
    """Whether a text is an absolute URL, or an absolute path, in Go's sense (url.ParseRequestURI)."""
    try:
        return _url(text).scheme != "" or text.startswith("/")
    except ValueError:
        return False


def _is_ip(text: str) -> bool:
    """As the API server sees it: neither a zone nor an IPv4 address in IPv6 clothes."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text and getattr(address, "ipv4_mapped", None) is None


def _url(text: str) -> SplitResult:
    if re.search(r"[\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})", text):
        raise ValueError(f"{text!r} is no URL")
    parsed = urlsplit(text)
    if re.search(r"[ <>\"]", parsed.netloc) or not re.search(
        r"(^|@)([^:@\[\]]*|\[[^\[\]]*\])(:[0-9]*)?$", parsed.netloc
    ):
        raise ValueError(f"{text!r} is no URL")
    return parsed


def _port(url: SplitResult) -> str:
    after_host = url.netloc.rpartition("@")[2].rpartition("]")[2]
    return after_host.rpartition(":")[2] if ":" in after_host else ""


def _whole(value: Any) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value) is None:
        raise ValueError(f"{value!r} is no number")
    return int(value)


_WORDS: Final = {"true": True, "false": False, "null": None}
_COMPARISONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": lambda left, right: bool(left < right),
    "<=": lambda left, right: bool(left <= right),
    ">": lambda left, right: bool(left > right),
    ">=": lambda left, right: bool(left >= right),
    "==": lambda left, right: bool(left == right),
    "!=": lambda left, right: bool(left != right),
    "in": lambda left, right: left in right,
}
_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: int(left / right) if isinstance(left, int) and isinstance(right, int) else left / right,
    "%": lambda left, right: left - right * int(left / right),
}
_MACROS: Final[dict[str, Callable[[list[Any], Callable[[Any], Any]], Any]]] = {
    "all": lambda items, body: all(_boolean(body(item)) for item in items),
    "exists": lambda items, body: any(_boolean(body(item)) for item in items),
    "exists_one": lambda items, body: sum(_boolean(body(item)) for item in items) == 1,
    "filter": lambda items, body: [item for item in items if _boolean(body(item))],
    "map": lambda items, body: [body(item) for item in items],
}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "size": len,
    "int": _whole,
    "double": float,
    "string": str,
    "duration": seconds_of,
    "isURL": _is_url,
    "isIP": _is_ip,
    "url": _url,
}
_METHODS: Final[dict[str, Callable[..., Any]]] = {
    "size": len,
    "matches": lambda text, pattern: re2(pattern).search(text) is not None,
    "startsWith": lambda text, start: bool(text.startswith(start)),
    "endsWith": lambda text, end: bool(text.endswith(end)),
    "contains": lambda text, part: part in text,
    "lowerAscii": lambda text: "".join(c.lower() if c.isascii() else c for c in text),
    "upperAscii": lambda text: "".join(c.upper() if c.isascii() else c for c in text),
    "replace": lambda text, old, new: text.replace(old, new),
    "split": lambda text, separator: text.split(separator),
    "trim": lambda text: text.strip(),
    "getScheme": lambda url: url.scheme,
    "getHost": lambda url: url.netloc.rpartition("@")[2],
    "getHostname": lambda url: url.hostname or "",
    "getPort": _port,
}
