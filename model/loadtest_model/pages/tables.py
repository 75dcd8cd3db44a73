"""Tables of figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtest_model.pages.elements import Child, Element, element


@dataclass(frozen=True)
class Column:
    """The heading of a column, and how its cells stand: `text` to the left, otherwise to the right as figures do."""

    heading: str
    is_text: bool = False
    is_code: bool = False

    @property
    def style(self) -> str | None:
        if self.is_code:
            return "code"
        return "words" if self.is_text else None


Row = Sequence[Child]


def table(caption: str, columns: Sequence[Column], rows: Sequence[Row], *, is_caption_hidden: bool = False) -> Element:
    """A table whose first column heads its rows; it scrolls by itself where the page is too narrow."""
    head = element(
        "thead",
        element("tr", [element("th", column.heading, scope="col", class_=column.style) for column in columns]),
    )
    body = element("tbody", [_table_row(columns, row) for row in rows])
    title = element("caption", caption, class_="hidden" if is_caption_hidden else None)
    return element(
        "div",
        element("table", title, head, body),
        class_="scroll",
        role="group",
        aria_label=caption,
        tabindex=0,
    )


def figures_behind(caption: str, columns: Sequence[Column], rows: Sequence[Row]) -> Element:
    """The figures of a drawing as a table, which opens on request."""
    return element(
        "details",
        element("summary", "Figures as a table"),
        table(caption, columns, rows, is_caption_hidden=True),
        class_="figures",
    )


def definitions(entries: Sequence[tuple[str, Child]]) -> Element:
    """Names with their values."""
    return element(
        "dl",
        [element("div", element("dt", name), element("dd", value)) for name, value in entries],
        class_="definitions",
    )


def _table_row(columns: Sequence[Column], row: Row) -> Element:
    first, *others = zip(columns, row, strict=True)
    return element(
        "tr",
        element("th", first[1], scope="row", class_=first[0].style),
        [element("td", cell, class_=column.style) for column, cell in others],
    )
