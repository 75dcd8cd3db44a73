"""The colours of the pages have the contrast that everybody needs."""

import re

import pytest

from loadtest_model.pages.stylesheet import stylesheet

READABLE, VISIBLE = 4.5, 3.0
TEXTS = ("text", "quiet", "good", "bad", "doubt", "first", "second")
STROKES = ("first", "second", "third", "fourth", "fifth")


def colours(number: int) -> dict[str, str]:
    """The colours of the light page, or of the dark one."""
    block = re.findall(r"(?s):root \{(.*?)\}", stylesheet())[number]
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("number", [0, 1], ids=["light", "dark"])
def test_texts_and_lines_stand_out_from_the_page(number: int) -> None:
    palette = colours(number)

    for name in TEXTS:
        assert contrast(palette[name], palette["page"]) >= READABLE, name
        assert contrast(palette[name], palette["raised"]) >= READABLE, name
    for name in STROKES:
        assert contrast(palette[name], palette["page"]) >= VISIBLE, name
    for name in ("good", "bad", "doubt", "quiet"):
        assert contrast(palette["on-tone"], palette[name]) >= VISIBLE, name


def test_the_style_needs_no_network_and_cannot_end_early() -> None:
    assert "url(" not in stylesheet()
    assert "@import" not in stylesheet()
    assert "<" not in stylesheet()
