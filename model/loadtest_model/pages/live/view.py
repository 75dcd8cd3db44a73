"""A live page at one instant: parts that are replaced one by one as they change."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from loadtest_model.pages.elements import Element, fragment_html
from loadtest_model.pages.icons import Tone


class Part(NamedTuple):
    """A piece of the page that is found by its id."""

    id: str
    markup: str


@dataclass(frozen=True)
class LiveView:
    """What a page shows: its title, its sign in the browser's tab, and its parts in their order.

    `is_final` says that nothing of it will ever change again, and `is_missing` that there is nothing to show.
    """

    title: str
    tone: Tone
    parts: tuple[Part, ...]
    is_final: bool = False
    is_missing: bool = False


def parts_of(elements: Iterable[Element | None]) -> tuple[Part, ...]:
    """Elements as parts. Each must have an id of its own; None stands for a part that is not there."""
    parts = tuple(Part(each.attrib["id"], fragment_html(each)) for each in elements if each is not None)
    if len({part.id for part in parts}) < len(parts):
        raise ValueError(f"parts with the same id: {[part.id for part in parts]}")
    return parts
