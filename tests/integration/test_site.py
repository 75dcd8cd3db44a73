"""The documentation site: built strictly, complete, without dead links, and readable without the network."""

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPTS_AND_STYLES = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")}


def build(sources: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Run what `make docs` runs."""
    (command,) = [
        line.strip().removeprefix("@")
        for line in (REPOSITORY / "Makefile").read_text().replace("\\\n", " ").splitlines()
        if "sphinx-build" in line
    ]
    _, *flags, _site = command.split()
    flags[flags.index("-d") + 1] = str(site.with_name("doctrees"))
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *flags, str(site)],
        check=False,
        cwd=sources,
        capture_output=True,
        text=True,
        timeout=240,
    )


class Page(HTMLParser):
    """The anchors of a page, where it leads, and what a browser would load with it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif (tag, name) == ("a", "href") and value:
                self.links.add(value)
            elif (tag, name) in SCRIPTS_AND_STYLES and value:
                self.loaded.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    process = build(REPOSITORY, folder)
    assert (process.returncode, process.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in site.rglob("*.html")}


def test_every_document_is_a_page(site: Path) -> None:
    documents = [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")]

    missing = [file for file in documents if not (site / file.relative_to(REPOSITORY)).with_suffix(".html").exists()]

    assert missing == []


def test_every_page_is_reached_from_the_entrance(site: Path, pages: dict[Path, Page]) -> None:
    reached, waiting = set[Path](), [site / "index.html"]
    while waiting:
        file = waiting.pop()
        if file not in reached and file in pages:
            reached.add(file)
            targets = [link for link in pages[file].links if not urlsplit(link).scheme and urldefrag(link).url]
            waiting += [(file.parent / unquote(urldefrag(link).url)).resolve() for link in targets]

    assert {file.name for file in set(pages) - reached} <= {"genindex.html", "search.html"}


def test_every_link_within_the_site_leads_to_a_page_and_an_anchor_of_it(pages: dict[Path, Page]) -> None:
    dead = []
    for file, page in pages.items():
        for link in page.links:
            if urlsplit(link).scheme:
                continue
            address, anchor = urldefrag(link)
            target = (file.parent / unquote(address)).resolve() if address else file
            if not target.exists() or (anchor and target in pages and unquote(anchor) not in pages[target].anchors):
                dead.append(f"{file.name} -> {link}")

    assert dead == []


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page]) -> None:
    assert {address for page in pages.values() for address in page.loaded if urlsplit(address).scheme} == set()


def test_links_that_lead_nowhere_fail_the_build(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "docs" / "site").mkdir(parents=True)
    shutil.copy(REPOSITORY / "docs" / "conf.py", checkout / "docs")
    (checkout / "docs" / "index.md").write_text("# A site\n\n## Guides\n\n- [FAQ](faq.md)\n")
    faq = "# FAQ\n\n[there](index.md#a-heading-that-nobody-wrote), [there](a-page-that-nobody-wrote.md)\n"
    (checkout / "docs" / "faq.md").write_text(faq)
    (checkout / "docs" / "a-page-that-nobody-lists.md").write_text("# A page\n")

    process = build(checkout, tmp_path / "site")

    assert process.returncode != 0
    for complaint in ("a-heading-that-nobody-wrote", "a-page-that-nobody-wrote", "a-page-that-nobody-lists"):
        assert complaint in process.stderr
