"""The head of the report: the verdict, why, and the figures that a reader asks for first."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from loadtest_model.judgement.judged_thresholds import not_compared_text
from loadtest_model.judgement.verdict import Verdict, verdict_text
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.pages.elements import Child, Element, element, sentence
from loadtest_model.pages.icons import VERDICT_TONES, icon
from loadtest_model.pages.texts import LOADED, NEVER_LOADED, ONLY_VERIFIED
from loadtest_model.plan.climb import load_text as capacity_load_text
from loadtest_model.quantities import bytes_text, clip_middle, count_text, seconds_text, span_text
from loadtest_model.report.summary import Summary

LONGEST_REASON: Final = 1_200
LONGEST_URL: Final = 400
LONGEST_RUN_ID: Final = 63
_REASONS_AT_ONCE: Final = 3


def verdict_section(summary: Summary) -> Element:
    """The verdict with its reasons, gravest first."""
    tone = VERDICT_TONES[summary.verdict]
    reasons = [sentence(clip_middle(reason, LONGEST_REASON)) for reason in _reasons(summary)]
    return element(
        "section",
        element("div", icon(tone, 40), class_="verdict-icon"),
        element(
            "div",
            element(
                "h1",
                element("bdi", summary.name, class_="name"),
                " ",
                element("span", verdict_text(summary.verdict, summary.reason_class), class_="verdict-word"),
            ),
            _target(summary),
            element("p", lead_sentence(summary), class_="lead"),
            element("ul", [element("li", reason) for reason in reasons[:_REASONS_AT_ONCE]], class_="reasons")
            if reasons
            else None,
            _more_reasons(reasons[_REASONS_AT_ONCE:]),
        ),
        element("dl", list(_identity(summary)), class_="identity"),
        id="verdict",
        class_=f"verdict tone-{tone}",
        aria_label="Verdict",
    )


def lead_sentence(summary: Summary) -> str:
    """Why the verdict is what it is, in one sentence; the reasons follow it."""
    if summary.verdict is Verdict.FAILED and summary.requests.due and len(summary.reasons) == 1:
        return "The run failed for the reason below."
    if summary.verdict is not Verdict.PASSED:
        return NEVER_LOADED.get(summary.reason_class, LOADED[summary.verdict])
    if not summary.requests.due:
        return ONLY_VERIFIED
    return _passed_sentence(summary)


def _passed_sentence(summary: Summary) -> str:
    number = len(summary.thresholds)
    if not number:
        return LOADED[summary.verdict]
    if not_compared := not_compared_text(summary.thresholds):
        return f"No threshold was breached, and {not_compared}."
    all_held = "Its threshold held" if number == 1 else f"All {number} thresholds held"
    if summary.capacity is not None:
        return f"{all_held} at the highest load of the climb that held."
    return f"{all_held}, and the load ran to its end."


def key_figures_section(summary: Summary) -> Element:
    """The figures of the whole run."""
    tiles = [
        element("div", element("dt", name), element("dd", value), element("dd", remark, class_="remark"))
        for name, value, remark in key_figures(summary)
    ]
    return element("section", element("dl", tiles), id="figures", class_="key-figures", aria_label="Key figures")


def _reasons(summary: Summary) -> tuple[str, ...]:
    # Without a load every threshold lacks its samples as well, which goes without saying.
    return summary.reasons if summary.requests.due else summary.reasons[:1]


def _more_reasons(reasons: list[str]) -> Element | None:
    if not reasons:
        return None
    return element(
        "details",
        element("summary", f"{count_text(len(reasons), 'more reason')}"),
        element("ul", [element("li", reason) for reason in reasons], class_="reasons"),
    )


def _identity(summary: Summary) -> Iterator[Element]:
    for name, value in (
        ("Scenario", summary.scenario),
        ("Run", clip_middle(summary.run_id, LONGEST_RUN_ID)),
        ("Started", _instant(summary.started_at)),
        ("Duration", f"{span_text(summary.duration_seconds)}, drain included" if summary.requests.due else ""),
        ("Load", load_text(summary)),
    ):
        if value != "":
            yield element("div", element("dt", name), element("dd", value))


def _target(summary: Summary) -> Element | None:
    if not summary.target_url:
        return None
    url = element("bdi", clip_middle(summary.target_url, LONGEST_URL))
    return element("p", element("code", url), class_="target-url")


def _instant(started_at: str | None) -> Child:
    if started_at is None:
        return ""
    try:
        text = f"{datetime.fromisoformat(started_at):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return started_at
    return element("time", text, datetime=started_at)


def load_text(summary: Summary) -> str:
    """How much load there was at most; empty if there was none."""
    if not summary.requests.due:
        return ""
    pods = sum(pod.pods for pod in summary.pods)
    plateaus = [plateau for step in summary.steps for plateau in step.plateaus]
    highest = max(plateaus, key=lambda plateau: plateau.level, default=None)
    level = count_text(max((step.virtual_users for step in summary.steps), default=0), "virtual user")
    capacity = summary.capacity
    reached = max((each.load for each in capacity.plateaus if each.uploads), default=None) if capacity else None
    if capacity is not None and reached is not None:
        # A climb ends where a plateau does not hold, so most of the plan may never have been loaded.
        level = capacity_load_text(reached, capacity.by)
    elif highest is not None and highest.unit != "virtual users":
        # In the open model the users are a limit that is seldom reached.
        level = f"{highest.level:g} {highest.unit}"
    # One generator may be a pod or a program on a laptop.
    return f"up to {level}" + (f" in {count_text(pods, 'pod')}" if pods > 1 else "")


def key_figures(summary: Summary) -> Iterator[tuple[str, str, str]]:
    requests, times, rates = summary.requests, summary.response_time_seconds, summary.throughput
    yield "Records per second", f"{rates.records_per_second:,.0f}", f"{bytes_text(rates.bytes_per_second)}/s sent"
    whole = ", of the whole climb" if summary.capacity is not None else ""
    yield "Response time p95", seconds_text(times.p95), f"median {seconds_text(times.p50)}{whole}"
    yield "Slowest answer", seconds_text(times.max), f"average {seconds_text(times.avg)}"
    failures = requests.due - requests.accepted - summary.errors.get(ErrorKind.CANCELLED, 0)
    rate = "-" if summary.error_rate is None else f"{summary.error_rate:.2%}"
    yield "Error rate", rate, "no upload failed" if failures <= 0 else f"{failures:,} not accepted"
    yield "Uploads accepted", f"{requests.accepted:,}", f"of {requests.due:,} due"
    yield "Records confirmed", f"{summary.records.confirmed:,}", f"of {summary.records.sent:,} sent"
