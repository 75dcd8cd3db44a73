"""The documentation site: `make docs` builds it with Sphinx from the Markdown that the repository's host also shows.

The folder of the sources is the repository, so that README, CONTRIBUTING and the pages beside the code are pages of
the site as well. docs/index.md is the table of contents: its headings and links become the navigation.
"""

import re
from collections.abc import Iterator

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

project = "LoadTest operator"
root_doc = "docs/index"
include_patterns = [
    "*.md",
    "docs/**.md",
    "docs/adr/*.md",
    "localcluster/README.md",
    "examples/django_target/README.md",
    "integrations/django/README.md",
]
extensions = ["myst_parser"]
# Links to headings go by the anchors that the repository's host gives them.
myst_heading_anchors = 6

html_theme = "furo"
html_title = project
html_extra_path = ["site"]
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False
# Nothing is fetched from elsewhere: no fonts, no icons, no scripts.
html_theme_options = {"footer_icons": []}

_INDEX = "docs/index"
_DECISIONS = "docs/adr/README"


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("source-read", _add_navigation)
    app.add_lexer("mermaid", TextLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_navigation(_app: Sphinx, page: str, source: list[str]) -> None:
    """Turn the links of the table of contents into the navigation, and list the decisions below their page."""
    if page == _INDEX:
        source[0] += "".join(_trees_of_contents(source[0]))
    elif page == _DECISIONS:
        source[0] += _tree_of_contents("", sorted(re.findall(r"\]\((\d{4}[^)]*)\.md\)", source[0])))


def _trees_of_contents(contents: str) -> Iterator[str]:
    for section in contents.split("\n## ")[1:]:
        entries = re.findall(r"^- \[(.*?)\]\((.*?)\.md\)", section, re.MULTILINE)
        yield _tree_of_contents(section.partition("\n")[0], [f"{text} <{_page(link)}>" for text, link in entries])


def _page(link: str) -> str:
    return link.replace("../", "/", 1) if link.startswith("../") else link


def _tree_of_contents(caption: str, pages: list[str]) -> str:
    lines = ["", "```{toctree}", ":hidden:", *([f":caption: {caption}"] if caption else []), "", *pages, "```", ""]
    return "\n".join(lines)
