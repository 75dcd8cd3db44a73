"""The page around the parts: its head, the line about the connection, and where its events come from."""

from loadtest_model.pages.elements import Element, element, fragment_html
from loadtest_model.pages.icons import favicon
from loadtest_model.pages.live.assets import SCRIPT_NAME, STYLE_NAME, look_version
from loadtest_model.pages.live.view import LiveView


def live_page(view: LiveView, version: str, events: str, root: str = "", home: str = "") -> str:
    """A whole page. `version` names its content, and `events` is the address of what changes, relative to the page.

    `root` leads from the page to where its style is served. `home` is what its parent is called; empty if it has none.
    """
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", view.title),
        element("link", rel="icon", id="icon", href=favicon(view.tone)),
        element("link", rel="stylesheet", href=f"{root}{STYLE_NAME}"),
        element("script", src=f"{root}{SCRIPT_NAME}", defer=""),
    )
    bar = element(
        "header",
        element("nav", element("a", home, href=root or "./"), aria_label="Pages") if home else element("span"),
        element("p", element("span", id="connection", role="status"), element("span", id="age")),
        class_="top",
    )
    main = element("main", id="report")
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#report"),
        bar,
        element("noscript", element("p", "This page follows the test by a script. Without it, reload the page.")),
        main,
        data_events=events,
        data_version=version,
        data_look=look_version(),
        data_final="true" if view.is_final else "false",
    )
    return f"<!DOCTYPE html>\n{_with_parts(element('html', head, body, lang='en'), main, view)}\n"


def _with_parts(page: Element, main: Element, view: LiveView) -> str:
    """The page with the markup of its parts, which was rendered before."""
    main.append(element("hr"))
    before, after = fragment_html(page).rsplit("<hr>", 1)
    return before + "".join(part.markup for part in view.parts) + after
