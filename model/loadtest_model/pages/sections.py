"""What every section of a page has: an id by which it is found and replaced, and a heading."""

from loadtest_model.pages.elements import Child, Element, element


def section(name: str, title: str, *children: Child | list[Element], note: str = "") -> Element:
    """A section under its heading; `note` explains in a sentence what is shown."""
    return element(
        "section",
        element("h2", title, id=f"{name}-title"),
        element("p", note, class_="note") if note else None,
        *children,
        id=name,
        aria_labelledby=f"{name}-title",
    )
