"""Elements of HTML and SVG, and their text: whatever stands in it never becomes markup."""

import re
from collections.abc import Iterable
from typing import Final
from xml.etree import ElementTree as Xml

Element = Xml.Element
Child = Element | str | None

# What HTML has no way to write, what a terminal would obey, and what turns the direction of the text that follows.
_NOT_FOR_READERS: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def clean_text(text: str) -> str:
    """A text without control characters, each of which becomes the replacement character."""
    return _NOT_FOR_READERS.sub("\ufffd", text.replace("\r\n", "\n"))


def element(tag: str, *children: Child | Iterable[Child], **attributes: str | float | None) -> Element:
    """An element with its children in order; None stands for no child, or no attribute.

    An attribute may be named with underscores in place of hyphens, and `class_` is the class.
    """
    new_element = Xml.Element(
        tag,
        {
            name.rstrip("_").replace("_", "-"): value_text(value)
            for name, value in attributes.items()
            if value is not None
        },
    )
    append(new_element, *children)
    return new_element


def append(parent: Element, *children: Child | Iterable[Child]) -> None:
    """Add children behind those that an element has."""
    for child in children:
        if isinstance(child, str):
            _append_text(parent, clean_text(child))
        elif isinstance(child, Xml.Element):
            parent.append(child)
        elif child is not None:
            append(parent, *child)


def value_text(value: str | float) -> str:
    """The value of an attribute; numbers have as few digits as a drawing needs."""
    if isinstance(value, str):
        return clean_text(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def percent(share: float) -> str:
    """A share as a length within a drawing."""
    return f"{value_text(share * 100)}%"


def fragment_html(root: Element) -> str:
    """An element as HTML."""
    return Xml.tostring(root, encoding="unicode", method="html")


def drawing_xml(width: float, height: float, *children: Child | Iterable[Child]) -> str:
    """A drawing of these pixels as a file of its own."""
    root = element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {value_text(width)} {value_text(height)}",
        width=width,
        height=height,
        role="img",
    )
    Xml.indent(root)
    return Xml.tostring(root, encoding="unicode") + "\n"


def sentence(text: str) -> str:
    """A message as a sentence: it begins with a capital and ends with a full stop."""
    stripped = text.strip()
    first_word = stripped.split(" ", 1)[0].rstrip(",;")
    if first_word.isalpha() and first_word.islower():
        stripped = stripped[:1].upper() + stripped[1:]
    return stripped if stripped.endswith((".", "!", "?", ":")) else f"{stripped}."


def _append_text(parent: Element, text: str) -> None:
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text
