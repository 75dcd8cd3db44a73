"""The head of a test's page that is no report: where it stands, what it waits for, and how far it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.pages.elements import Child, Element, element, sentence
from loadtest_model.pages.icons import VERDICT_TONES, Tone, icon
from loadtest_model.quantities import count_text, span_text
from loadtest_model.report.progress import RunProgress
from loadtest_model.report.status import Phase, PodCounts, StatusProgress


@dataclass(frozen=True, kw_only=True)
class LoadProgress:
    """How far the load is; `place` names the step and its stage if there are several."""

    share: float
    elapsed_seconds: float
    total_seconds: float | None
    place: str = ""
    note: str = ""

    @classmethod
    def of_run(cls, progress: RunProgress) -> Self:
        """The progress of a run whose measurements are at hand."""
        places = []
        if progress.steps > 1:
            places.append(f"step {progress.step} ({progress.step_number} of {progress.steps})")
        if progress.stages > 1:
            places.append(f"stage {progress.stage_number} of {progress.stages}")
        uploads = count_text(progress.in_flight, "upload")
        return cls(
            share=progress.share,
            elapsed_seconds=progress.elapsed_seconds,
            total_seconds=None if progress.is_foreseen else progress.total_seconds,
            place=", ".join(places),
            note=f"the load is over, and {uploads} in flight may still end" if progress.is_draining else "",
        )

    @classmethod
    def of_status(cls, progress: StatusProgress, steps: int = 1) -> Self:
        """The progress that a status has."""
        return cls(
            share=progress.percent / 100,
            elapsed_seconds=progress.elapsed_seconds,
            total_seconds=progress.total_seconds,
            place=f"step {progress.step}" if steps > 1 else "",
        )


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a test stands. Texts that are empty are not shown.

    `verdict` is that of a test that has ended, of which only the status is at hand. `since` is when the load began, in
    RFC 3339. `notices` say what a reader must know besides.
    """

    name: str
    phase: str
    message: str
    verdict: Verdict | None = None
    reason: str = ""
    namespace: str = ""
    scenario: str = ""
    target: str = ""
    since: str = ""
    load: str = ""
    pods: PodCounts | None = None
    progress: LoadProgress | None = None
    notices: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """The verdict, or the phase with its reason."""
        if self.verdict is not None:
            return str(self.verdict)
        return f"{self.phase}: {self.reason}" if self.reason and self.reason != self.phase else self.phase

    @property
    def tone(self) -> Tone:
        if self.verdict is not None:
            return VERDICT_TONES[self.verdict]
        return Tone.QUIET if self.phase == Phase.QUEUED else Tone.BUSY


def standing_section(standing: Standing) -> Element:
    """The phase in a word, what happens, and how far the load is."""
    return element(
        "section",
        element("div", icon(standing.tone, 40), class_="verdict-icon"),
        element(
            "div",
            element("h1", element("bdi", standing.name), class_="name"),
            element("p", standing.word, class_="verdict-word"),
            element("p", sentence(standing.message), class_="message") if standing.message else None,
            progress_bar(standing.progress) if standing.progress is not None else None,
            element("ul", [element("li", sentence(notice)) for notice in standing.notices], class_="remarks notices")
            if standing.notices
            else None,
        ),
        element("dl", list(_identity(standing)), class_="identity"),
        id="standing",
        class_=f"verdict tone-{standing.tone}",
        aria_label="Where the test stands",
    )


def progress_bar(progress: LoadProgress) -> Element:
    """The share of the load that is over, as a bar and in words."""
    return element(
        "div",
        element("progress", max=100, value=round(100 * progress.share, 1), aria_label="Share of the load"),
        element("p", progress_text(progress)),
        class_="progress",
    )


def progress_text(progress: LoadProgress) -> str:
    """The same in words."""
    elapsed = span_text(int(progress.elapsed_seconds))
    total = f" of {span_text(progress.total_seconds)}" if progress.total_seconds else ""
    parts = (f"{progress.share:.0%}", f"{elapsed}{total}", progress.place, progress.note)
    return " \N{MIDDLE DOT} ".join(part for part in parts if part)


def _identity(standing: Standing) -> Iterator[Element]:
    entries: tuple[tuple[str, Child], ...] = (
        ("Namespace", standing.namespace),
        ("Scenario", standing.scenario),
        ("Target", standing.target),
        ("Started", element("time", _instant(standing.since), datetime=standing.since) if standing.since else ""),
        ("Load", standing.load),
        ("Pods", _pods_text(standing.pods)),
    )
    for name, value in entries:
        if value != "":
            yield element("div", element("dt", name), element("dd", value))


def _instant(text: str) -> str:
    return f"{text[:10]} {text[11:19]} UTC"


def _pods_text(pods: PodCounts | None) -> str:
    if pods is None or not pods.desired:
        return ""
    counts = (
        (pods.started, "started"),
        (pods.verified, "verified"),
        (pods.running, "at work"),
        (pods.succeeded, "finished"),
        (pods.failed, "failed"),
    )
    told = ", ".join(f"{number:,} {word}" for number, word in counts if number)
    return f"{pods.desired:,} ({told or 'none started'})"
