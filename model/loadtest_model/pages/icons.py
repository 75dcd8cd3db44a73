"""Small signs that stand before a word; the word says the same."""

from enum import StrEnum
from typing import Final
from urllib.parse import quote

from loadtest_model.judgement.health import HealthLevel
from loadtest_model.judgement.verdict import Verdict
from loadtest_model.pages.elements import Element, element


class Tone(StrEnum):
    """How something is to be taken; the name is a class of the stylesheet."""

    GOOD = "good"
    BAD = "bad"
    DOUBT = "doubt"
    QUIET = "quiet"
    BUSY = "busy"


VERDICT_TONES: Final = {Verdict.PASSED: Tone.GOOD, Verdict.FAILED: Tone.BAD, Verdict.INCONCLUSIVE: Tone.DOUBT}
HEALTH_TONES: Final = {
    HealthLevel.GOOD: Tone.GOOD,
    HealthLevel.WARNING: Tone.DOUBT,
    HealthLevel.CRITICAL: Tone.BAD,
}

_STROKES: Final = {
    Tone.GOOD: "M4.6 8.3 7 10.6 11.4 5.6",
    Tone.BAD: "M5.4 5.4 10.6 10.6M10.6 5.4 5.4 10.6",
    Tone.DOUBT: "M8 4.4V8.8M8 11.3V11.4",
    Tone.QUIET: "M5 8H11",
    Tone.BUSY: "M6.6 5.2 10.8 8 6.6 10.8Z",
}
_SHAPES: Final = {
    Tone.GOOD: "M8 .5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 1 0 0-15Z",
    Tone.BAD: "M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5Z",
    Tone.DOUBT: "M8 .4 15.6 8 8 15.6.4 8Z",
    Tone.QUIET: "M8 .5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 1 0 0-15Z",
    Tone.BUSY: "M3 1h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H3a2 2 0 0 1-2-2V3a2 2 0 0 1 2-2Z",
}
"""A shape for each tone, so that none is told by its colour alone: circle, octagon, diamond, square."""

_FAVICON_COLOURS: Final = {
    Tone.GOOD: "#0f7b5a",
    Tone.BAD: "#c0321f",
    Tone.DOUBT: "#9a6200",
    Tone.QUIET: "#59636e",
    Tone.BUSY: "#1f5fd0",
}


def icon(tone: Tone, size: int = 16) -> Element:
    """The sign of a tone."""
    return element(
        "svg",
        element("path", d=_SHAPES[tone], class_="icon-shape"),
        element("path", d=_STROKES[tone], class_="icon-stroke", fill="none", stroke_width=1.6),
        class_=f"icon tone-{tone}",
        viewBox="0 0 16 16",
        width=size,
        height=size,
        aria_hidden="true",
        focusable="false",
    )


def stated(tone: Tone, word: str) -> Element:
    """A word with its sign."""
    return element("span", icon(tone), element("span", word), class_=f"stated tone-{tone}")


def favicon(tone: Tone) -> str:
    """The sign as an address that needs no network."""
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="{_SHAPES[tone]}"'
        f' fill="{_FAVICON_COLOURS[tone]}"/><path d="{_STROKES[tone]}" fill="none" stroke="#fff" stroke-width="1.8"'
        ' stroke-linecap="round" stroke-linejoin="round"/></svg>'
    )
    return f"data:image/svg+xml,{quote(drawing)}"
