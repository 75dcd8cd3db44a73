"""Everybody is sent what has changed since they looked, whatever they have seen, and nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_live.content import PageContent
from loadtest_model.pages.icons import Tone
from loadtest_model.pages.live.view import LiveView, Part

VIEWS = st.builds(
    lambda title, parts: LiveView(title, Tone.QUIET, tuple(Part(*each) for each in parts.items())),
    st.sampled_from(["one", "two"]),
    st.dictionaries(st.sampled_from("abcde"), st.sampled_from(["<p>1</p>", "<p>2</p>"])),
)


def a_view(title: str = "A page", **parts: str) -> LiveView:
    return LiveView(title, Tone.QUIET, tuple(Part(name, markup) for name, markup in parts.items()))


def update_of(content: PageContent, seen: str) -> dict[str, Any]:
    update = content.update_since(seen)
    assert update is not None
    decoded: dict[str, Any] = json.loads(update)
    return decoded


def test_only_the_parts_that_changed_are_sent() -> None:
    content = PageContent("here")
    content.take(a_view(a="<p>1</p>", b="<p>1</p>"))
    seen = content.version
    assert content.take(a_view(a="<p>1</p>", b="<p>2</p>"))

    update = update_of(content, seen)

    assert update["parts"] == {"b": "<p>2</p>"}
    assert update["order"] == ["a", "b"]


def test_a_view_that_is_the_same_changes_nothing() -> None:
    content = PageContent("here")
    content.take(a_view(a="<p>1</p>"))
    seen = content.version

    assert not content.take(a_view(a="<p>1</p>"))
    assert content.update_since(seen) is None


@pytest.mark.parametrize("seen", ["", "elsewhere-1", "here-", "here--1", "here-x", "-", "here-1-1", "\u0661"])
def test_who_has_seen_something_else_is_sent_everything(seen: str) -> None:
    content = PageContent("here")
    content.take(a_view(a="<p>1</p>"))
    content.take(a_view(a="<p>1</p>", b="<p>2</p>"))

    assert update_of(content, seen)["parts"] == {"a": "<p>1</p>", "b": "<p>2</p>"}


@given(views=st.lists(VIEWS, min_size=1, max_size=12), looks=st.sets(st.integers(0, 11)))
def test_who_looks_now_and_then_has_the_page_as_it_is(views: list[LiveView], looks: set[int]) -> None:
    content, seen = PageContent("here"), ""
    shown: dict[str, str] = {}
    for number, view in enumerate(views):
        content.take(view)
        if number not in looks and number < len(views) - 1:
            continue
        update = content.update_since(seen)
        if update is not None:
            decoded = json.loads(update)
            shown = {name: decoded["parts"].get(name, shown.get(name)) for name in decoded["order"]}
            seen = decoded["version"]
        assert shown == dict(view.parts)
        assert seen == content.version
