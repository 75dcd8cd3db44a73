"""The report of a run as one HTML file, which needs nothing besides itself."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from loadtest_model.judgement.verdict import verdict_text
from loadtest_model.pages.background import LONGEST_MANIFEST, manifest_section, method_section
from loadtest_model.pages.capacity import capacity_section
from loadtest_model.pages.course import course_section
from loadtest_model.pages.course_bins import MOST_BINS
from loadtest_model.pages.distribution import distribution_section
from loadtest_model.pages.elements import Element, element, fragment_html
from loadtest_model.pages.health import diagnoses_section, health_section, only_step_name
from loadtest_model.pages.icons import VERDICT_TONES, favicon
from loadtest_model.pages.plateaus import plateaus_section, steps_section
from loadtest_model.pages.proof import proof_section
from loadtest_model.pages.slowest import slowest_section
from loadtest_model.pages.spread import spread_section
from loadtest_model.pages.stylesheet import report_policy, stylesheet
from loadtest_model.pages.target import target_section
from loadtest_model.pages.thresholds import thresholds_section
from loadtest_model.pages.verdict import key_figures_section, verdict_section
from loadtest_model.quantities import clip_middle
from loadtest_model.release import installed_version
from loadtest_model.report.summary import Summary
from loadtest_model.report.time_series import SeriesRow

LARGEST_REPORT_BYTES: Final = 300_000
LONGEST_TITLE_URL: Final = 120


class Detail(NamedTuple):
    """How much is shown of what may be long: the pieces of the course, and the characters of the manifest."""

    course_bins: int
    manifest_length: int


_DETAILS: Final = (Detail(MOST_BINS, LONGEST_MANIFEST), Detail(120, 20_000), Detail(60, 5_000))


def report_page(summary: Summary, rows: Sequence[SeriesRow]) -> str:
    """The report: what a reviewer needs on the first screen, and everything behind it below.

    It is shown in as much detail as fits into `LARGEST_REPORT_BYTES`.
    """
    text = ""
    for detail in _DETAILS:
        text = page(
            report_title(summary),
            report_sections(summary, rows, detail),
            icon_address=favicon(VERDICT_TONES[summary.verdict]),
        )
        if len(text.encode()) <= LARGEST_REPORT_BYTES:
            break
    return text


def report_title(summary: Summary) -> str:
    """What the browser's tab and a bookmark say: the verdict, the test and its target."""
    title = f"{verdict_text(summary.verdict, summary.reason_class)}: {summary.name}"
    return f"{title} · {clip_middle(summary.target_url, LONGEST_TITLE_URL)}" if summary.target_url else title


def report_sections(summary: Summary, rows: Sequence[SeriesRow], detail: Detail = _DETAILS[0]) -> Element:
    """All sections of a report; each is found by its id. A run that loaded nothing has only those on the why."""
    proof = proof_section(summary.verification, summary.requests.violation)
    if not summary.requests.due:
        why = element(
            "div",
            diagnoses_section(summary),
            element("div", proof, class_="assurances"),
            id="judgement",
            class_="judgement",
        )
        return element(
            "main", verdict_section(summary), why, manifest_section(summary, detail.manifest_length), id="report"
        )
    return element(
        "main",
        verdict_section(summary),
        key_figures_section(summary),
        element(
            "div",
            thresholds_section(summary.thresholds),
            element("div", proof, health_section(summary.health, only_step_name(summary)), class_="assurances"),
            id="judgement",
            class_="judgement",
        ),
        diagnoses_section(summary),
        capacity_section(summary),
        course_section(summary, rows, detail.course_bins),
        steps_section(summary),
        distribution_section(summary),
        plateaus_section(summary),
        spread_section(summary),
        slowest_section(summary),
        target_section(summary),
        method_section(summary),
        manifest_section(summary, detail.manifest_length),
        id="report",
    )


def page(title: str, content: Element, icon_address: str) -> str:
    """A whole page with its style and its policy."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=report_policy()),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("link", rel="icon", href=icon_address),
        _style(),
    )
    body = element("body", element("a", "Skip to the report", class_="skip", href="#report"), content, _foot())
    return f"<!DOCTYPE html>\n{fragment_html(element('html', head, body, lang='en'))}\n"


def _foot() -> Element:
    return element("footer", f"Report of loadtest-operator {installed_version()}")


def _style() -> Element:
    style = element("style")
    # The policy has the hash of this very text.
    style.text = stylesheet()
    return style
