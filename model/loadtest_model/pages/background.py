"""The sections behind the figures: how the numbers were made, how the generator fared, and the exact manifest."""

from collections.abc import Iterator
from typing import Final

from loadtest_model.measurement.coarse_times import COARSE_ERROR, COARSE_WIDTH
from loadtest_model.pages.elements import Child, Element, element, sentence
from loadtest_model.pages.sections import section
from loadtest_model.pages.tables import definitions
from loadtest_model.pages.texts import METHOD
from loadtest_model.quantities import bytes_text, seconds_text
from loadtest_model.report.summary import Generator, Summary

LONGEST_MANIFEST: Final = 60_000


def method_section(summary: Summary) -> Element:
    """What each number means, and what is known of the generator that measured them."""
    errors = {
        "error": f"{summary.response_time_seconds.relative_error:.0%}",
        "coarse_error": f"{COARSE_ERROR:.0%}",
        "coarse_width": f"{COARSE_WIDTH:.0%}",
    }
    explanations = [
        element("div", element("dt", name), element("dd", text.format_map(errors))) for name, text in METHOD
    ]
    notes = [element("li", sentence(note)) for note in summary.generator.notes]
    return section(
        "method",
        "How the numbers were made",
        element("dl", explanations, class_="explanations"),
        element("h3", "The generator"),
        definitions(list(_generator(summary.generator))),
        element("ul", notes, class_="remarks") if notes else None,
    )


def manifest_section(summary: Summary, longest: int = LONGEST_MANIFEST) -> Element | None:
    """The test as it was written, up to so many characters; None if the summary does not have it."""
    manifest = summary.manifest
    if not manifest:
        return None
    note = "The test as YAML. Values that may be secrets are replaced by ***."
    if len(manifest) > longest:
        manifest = manifest[:longest]
        note += f" Only its first {longest:,} characters are shown."
    return section(
        "manifest",
        "Manifest",
        element(
            "pre", element("code", manifest.rstrip()), class_="scroll", tabindex=0, role="group", aria_label="Manifest"
        ),
        note=note,
    )


def _generator(generator: Generator) -> Iterator[tuple[str, Child]]:
    yield "Offered of the planned load", f"{generator.offered_share:.0%}"
    yield "Event loop late, at most", seconds_text(generator.max_loop_lag_seconds)
    throttled = generator.throttled_share
    yield "Throttled by a CPU limit", "not known" if throttled is None else f"{throttled:.1%} of the time"
    if generator.cpu_limit_cores is not None:
        yield "CPU limit", f"{generator.cpu_limit_cores:g} cores"
    yield "CPU time", f"{generator.cpu_seconds:,.1f} s"
    yield "Memory", bytes_text(generator.memory_bytes)
