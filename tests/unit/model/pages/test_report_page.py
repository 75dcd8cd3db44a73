"""The report as one file: what it says, how large it is, and that it needs nothing besides itself."""

import base64
import hashlib
import re
from functools import cache

import pytest
from msgspec import structs

from loadtest_model.judgement.verdict import Verdict, verdict_text
from loadtest_model.measurement.snapshot import ProofLevel
from loadtest_model.pages.report_page import LARGEST_REPORT_BYTES, report_page
from loadtest_model.pages.texts import NEVER_LOADED, ONLY_VERIFIED, PROOF_LIMITS, PROOF_SHOWS
from loadtest_model.pages.verdict import lead_sentence
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.release import installed_version
from loadtest_model.report.summary import Summary
from support.builders import a_plan
from support.report_cases import CASES, ReportCase, a_case_of, passed, with_summary

SECTIONS = ("verdict", "figures", "thresholds", "proof", "health", "course", "distribution", "plateaus", "spread")
REST = ("slowest", "method", "manifest")


@cache
def case_of(name: str) -> ReportCase:
    return CASES[name]()


@cache
def page_of(name: str) -> str:
    case = case_of(name)
    return report_page(case.summary, case.rows)


def section_ids(page: str) -> list[str]:
    return re.findall(r'<section id="([a-z]+)"|<section [^>]*\bid="([a-z]+)"', page) and [
        first or second for first, second in re.findall(r'<section id="([a-z]+)"|<section [^>]*?\bid="([a-z]+)"', page)
    ]


def text_of(page: str) -> str:
    body = re.sub(r"(?s)<style>.*?</style>", "", page)
    return " ".join(re.sub(r"<[^>]+>", " ", body).replace("&lt;", "<").replace("&gt;", ">").split())


@pytest.mark.parametrize("name", CASES)
def test_a_report_is_small_and_has_neither_scripts_nor_foreign_addresses(name: str) -> None:
    page = page_of(name)

    assert len(page.encode()) <= LARGEST_REPORT_BYTES
    assert "<script" not in page
    assert " style=" not in page
    assert re.findall(r'(?:src|href|action)="(?!#|data:)', page) == []


@pytest.mark.parametrize("name", CASES)
def test_the_policy_has_the_hash_of_the_only_style(name: str) -> None:
    page = page_of(name)
    (style,) = re.findall(r"(?s)<style>(.*?)</style>", page)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    assert f"default-src 'none'; style-src 'sha256-{digest}'" in page


def test_a_report_has_all_its_sections_in_order() -> None:
    assert section_ids(page_of("passed")) == [*SECTIONS, *REST]


def test_ids_are_unique() -> None:
    for name in CASES:
        ids = re.findall(r' id="([^"]+)"', page_of(name))
        assert len(ids) == len(set(ids))


def test_sections_without_content_are_left_out() -> None:
    ids = section_ids(page_of("bare"))

    assert "plateaus" not in ids
    assert "slowest" not in ids
    assert "manifest" not in ids
    assert "course" in ids
    assert "there is no course to show" in text_of(page_of("bare"))
    assert "p99" in text_of(page_of("bare"))


def test_a_run_that_loaded_nothing_says_why_and_what_to_do() -> None:
    page = page_of("refused")

    assert section_ids(page) == ["verdict", "diagnoses", "proof", "manifest"]
    assert NEVER_LOADED[ReasonClass.REFUSED] in text_of(page)
    assert "What to do:" in text_of(page)


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_comes_first_with_every_reason(name: str) -> None:
    summary = case_of(name).summary
    text = text_of(page_of(name))

    verdict = verdict_text(summary.verdict, summary.reason_class)
    title = f"{verdict}: {summary.name} · {summary.target_url}"
    assert text.startswith(f"{title} Skip to the report {summary.name} {verdict} {summary.target_url}")
    for reason in summary.reasons:
        assert reason[1:].split('"')[0] in text


def test_the_head_says_which_run_of_which_target_it_was_and_the_foot_which_version_wrote_it() -> None:
    plan = a_plan(target={"url": "http://shop.test:8000/upload/?token=s3cr3t&dry"}, runId="nightly-7")
    page = report_page(a_case_of(plan).summary, ())

    head = text_of(page.partition("</section>")[0])
    assert head.count("http://shop.test:8000/upload/?token=***&amp;***") == 2
    assert "Run nightly-7" in head
    assert "s3cr3t" not in page
    assert text_of(page).endswith(f"loadtest-operator {installed_version()}")


def test_the_report_says_that_the_percentiles_of_its_course_are_coarser() -> None:
    text = text_of(page_of("passed"))

    assert "with a relative error of at most 1%" in text
    assert "comes from coarser counts, with a relative error of at most 4%" in text


def test_a_duration_says_that_it_has_the_drain_in_it() -> None:
    summary = structs.replace(case_of("passed").summary, duration_seconds=25.7)

    assert "Duration 25.7s, drain included" in text_of(report_page(summary, ()))


def test_a_report_of_a_summary_without_a_target_leaves_it_out() -> None:
    page = report_page(structs.replace(case_of("passed").summary, target_url="", run_id=""), ())

    assert f"<title>Passed: {case_of('passed').summary.name}</title>" in page
    assert "<dt>Run</dt>" not in page


@pytest.mark.parametrize("level", ProofLevel)
def test_the_report_says_what_the_proof_shows_and_what_not(level: ProofLevel) -> None:
    case = passed()
    proof = structs.replace(case.summary.verification, level=level)
    text = text_of(report_page(structs.replace(case.summary, verification=proof), case.rows))

    assert PROOF_SHOWS[level] in text
    assert PROOF_LIMITS[level] in text
    assert ("(reached)" in text) == (level is not ProofLevel.NONE)
    if level is not ProofLevel.PROVEN:
        assert "found no row" not in text


@pytest.mark.parametrize("reason_class", ReasonClass)
@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_of_every_class_has_its_sentence(verdict: Verdict, reason_class: ReasonClass) -> None:
    for name in ("passed", "refused"):
        summary = structs.replace(case_of(name).summary, verdict=verdict, reason_class=reason_class)
        assert lead_sentence(summary).endswith(".")


def test_a_target_that_was_only_to_be_proven_is_not_said_to_have_been_loaded() -> None:
    summary = structs.replace(case_of("refused").summary, verdict=Verdict.PASSED)

    assert lead_sentence(summary) == ONLY_VERIFIED


def test_a_broken_promise_is_said_and_no_answer_is_said_to_have_kept_it() -> None:
    text = text_of(page_of("violated"))

    assert "Broken under load" in text
    assert "1 answer under load did not confirm the header." in text
    assert not any(shown in text for shown in PROOF_SHOWS.values())


def test_every_state_of_a_threshold_is_a_word() -> None:
    text = text_of(page_of("inconclusive"))

    for word in ("in doubt", "held", "breached", "no sample"):
        assert re.search(rf"\b{word} [a-z_0-9]+ [<>]=? ", text), word
    assert "The true value lies between 0.00% and" in text


def test_the_report_shows_the_figures_of_the_summary() -> None:
    summary = case_of("passed").summary
    text = text_of(page_of("passed"))

    for figure in (
        f"{summary.records.confirmed:,} of {summary.records.sent:,} sent",
        f"{summary.requests.accepted:,} of {summary.requests.due:,} due",
        f"{summary.throughput.records_per_second:,.0f}",
        summary.slowest[0].trace_id,
        "kind: LoadTest",
        "up to 4 virtual users in 2 pods",
    ):
        assert figure in text


def test_a_generator_that_is_alone_is_no_pod_of_a_fleet() -> None:
    case = case_of("passed")
    alone = with_summary(case, pods=case.summary.pods[:1])
    text = text_of(report_page(alone.summary, alone.rows))

    assert "up to 4 virtual users" in text
    assert "The generator uploads errors records/s" in text
    assert re.findall(r"\bpod\b|\bin 1 pod\b|Pods of the fleet|Pods and addresses", text) == []
    assert {"Pods of the fleet", "pod 0", "pod 1"} <= set(
        re.findall(r"Pods of the fleet|pod \d", text_of(page_of("passed")))
    )


def test_what_is_condensed_is_said() -> None:
    assert "Each piece covers 10m: records and errors are sums" in text_of(page_of("a_day"))
    assert "Each piece covers" not in text_of(page_of("passed"))


def test_many_pods_are_told_as_those_that_stand_out_and_the_others() -> None:
    assert "985 others" in text_of(page_of("thousand_pods"))


def test_a_manifest_that_is_too_long_is_cut_and_says_so() -> None:
    case = with_summary(passed(), manifest="é" * 200_000)
    page = report_page(case.summary, case.rows)

    assert len(page.encode()) <= LARGEST_REPORT_BYTES
    assert "Only its first" in text_of(page)


def test_the_largest_summary_stays_within_the_limit() -> None:
    assert len(report_page(largest_summary(), case_of("all_steps").rows).encode()) <= LARGEST_REPORT_BYTES


def largest_summary() -> Summary:
    """Every list as long as a plan and a run allow."""
    case = case_of("all_steps")
    pods_case = case_of("thousand_pods")
    spread = pods_case.summary.steps[0].addresses
    return structs.replace(
        case.summary,
        reasons=tuple(f"reason {number}: {'x' * 2_000}" for number in range(16)),
        thresholds=tuple(result for result in case.summary.thresholds for _ in range(5)),
        pods=pods_case.summary.pods,
        manifest="a line of the manifest\n" * 4_000,
        steps=tuple(structs.replace(step, addresses=spread) for step in case.summary.steps),
    )
