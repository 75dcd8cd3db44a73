"""A run as continuous integration reads it."""

from typing import Any
from xml.etree import ElementTree as Xml

import pytest
from msgspec import structs

from loadtest_model.judgement.judging import judge
from loadtest_model.judgement.verdict import Facts, Verdict
from loadtest_model.measurement.snapshot import ProofLevel, VerificationReport
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.report.junit import junit_xml
from loadtest_model.report.summary import Summary, summarize
from loadtest_model.thresholds.bounds import ThresholdResult
from support.builders import a_plan, a_run
from support.report_cases import COMPARED_RESULTS

PLAN = a_plan()
PROOF = VerificationReport(level=ProofLevel.ECHOED, uploads=4, rows=1_006)
OUTCOMES = ("failure", "error", "skipped")


def a_summary(**fields: Any) -> Summary:
    run = a_run()
    summary = summarize(PLAN, run, judge(Facts(plan=PLAN, aggregate=run)), PROOF, "2026-01-01T00:00:00Z")
    return structs.replace(summary, **fields)


def suite_of(summary: Summary) -> Xml.Element:
    """The suite, held against what readers of JUnit XML rely on."""
    suites = Xml.fromstring(junit_xml(summary))
    (suite,) = suites
    cases = suite.findall("testcase")
    assert (suites.tag, suite.tag) == ("testsuites", "testsuite")
    assert [child.tag for child in suite] == ["properties", *["testcase"] * len(cases)]
    assert suite.attrib["tests"] == suites.attrib["tests"] == str(len(cases))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert suite.attrib[attribute] == str(len(suite.findall(f"testcase/{tag}")))
    assert len({(case.attrib["classname"], case.attrib["name"]) for case in cases}) == len(cases)
    for case in cases:
        assert case.attrib["classname"]
        assert case.attrib["name"]
        assert float(case.attrib["time"]) >= 0
        assert sum(case.find(tag) is not None for tag in OUTCOMES) <= 1
    return suite


def outcomes(suite: Xml.Element) -> dict[str, str]:
    return {
        case.attrib["name"]: next((tag for tag in OUTCOMES if case.find(tag) is not None), "passed")
        for case in suite.findall("testcase")
    }


def test_a_run_that_passed_has_a_case_for_the_proof_each_threshold_and_the_verdict() -> None:
    summary = a_summary()

    suite = suite_of(summary)

    names = ["verification", *(result.expression for result in summary.thresholds), "verdict"]
    assert outcomes(suite) == dict.fromkeys(names, "passed")
    assert suite.attrib["name"] == summary.name
    assert suite.attrib["timestamp"] == "2026-01-01T00:00:00"
    properties = {element.attrib["name"]: element.attrib["value"] for element in suite.iter("property")}
    assert properties["records_confirmed"] == str(summary.records.confirmed)
    assert properties["proof"] == "Echoed"
    assert "notice" not in properties


def test_what_lowers_the_claim_stands_among_the_properties() -> None:
    summary = a_summary()
    summary_with_notice = structs.replace(
        summary, verification=structs.replace(summary.verification, notice="little was proven")
    )

    properties = {
        element.attrib["name"]: element.attrib["value"] for element in suite_of(summary_with_notice).iter("property")
    }

    assert properties["notice"] == "little was proven"


def test_a_breached_threshold_fails_with_what_was_measured_and_one_without_a_sample_is_skipped() -> None:
    breach = ThresholdResult(expression="p95 < 20s", value=21.5, passed=False)
    result_without_sample = ThresholdResult(expression="p99 < 30s", value=None, passed=None, step="heavy")
    reasons = ("p95 < 20s: measured 21.5 s",)

    suite = suite_of(a_summary(thresholds=(breach, result_without_sample), verdict=Verdict.FAILED, reasons=reasons))

    assert outcomes(suite) == {
        "verification": "passed",
        "p95 < 20s": "failure",
        "p99 < 30s": "skipped",
        "verdict": "failure",
    }
    assert "21.5" in suite.find("testcase[@name='p95 < 20s']/failure").attrib["message"]  # type: ignore[union-attr]


def test_a_bound_on_the_baseline_says_what_it_was_compared_with_and_is_skipped_where_there_was_nothing() -> None:
    suite = suite_of(a_summary(thresholds=COMPARED_RESULTS, verdict=Verdict.FAILED, reasons=("slower",)))

    texts = {case.attrib["name"]: "".join(case.itertext()) for case in suite.iter("testcase")}
    assert outcomes(suite) == {
        "verification": "passed",
        "p95 < baseline + 10%": "failure",
        "records_per_second > baseline - 10%": "passed",
        "p50 < baseline + 10%": "skipped",
        "verdict": "failure",
    }
    assert "-1.0% against 1,000 of 5 earlier runs" in texts["records_per_second > baseline - 10%"]
    skipped = suite.find("testcase[@name='p50 < baseline + 10%']/skipped")
    assert skipped is not None
    assert skipped.attrib["message"].endswith("no run to compare with yet")


def test_an_inconclusive_run_is_an_error_and_no_failure() -> None:
    suite = suite_of(a_summary(verdict=Verdict.INCONCLUSIVE, reasons=("lost heavy-0",)))

    assert outcomes(suite)["verdict"] == "error"
    assert suite.attrib["failures"] == "0"


def test_a_refused_target_fails_the_verification() -> None:
    proof = structs.replace(a_summary().verification, level=ProofLevel.NONE)

    suite = suite_of(a_summary(verification=proof, verdict=Verdict.FAILED, reasons=("refused",), thresholds=()))

    assert outcomes(suite) == {"verification": "failure", "verdict": "failure"}


@pytest.mark.parametrize(
    ("reason_class", "verification"),
    [
        (ReasonClass.REFUSED, "failure"),
        (ReasonClass.MISCONFIGURED, "error"),
        (ReasonClass.NOT_PERMITTED, "error"),
        (ReasonClass.PREVENTED, "error"),
    ],
)
def test_a_run_that_never_loaded_is_no_failure_of_the_target_under_load(
    reason_class: ReasonClass, verification: str
) -> None:
    proof = structs.replace(a_summary().verification, level=ProofLevel.NONE)

    suite = suite_of(
        a_summary(
            verification=proof,
            verdict=Verdict.FAILED,
            reasons=("no",),
            thresholds=(),
            reason_class=reason_class,
            health=None,
        )
    )

    assert outcomes(suite) == {"verification": verification, "verdict": "error"}
    properties = {element.attrib["name"]: element.attrib["value"] for element in suite.iter("property")}
    assert properties["reason_class"] == reason_class
    assert "health" not in properties
    assert suite.findtext("testcase[@name='verdict']/system-out") == "nothing was loaded"


def test_whatever_a_target_says_is_still_xml() -> None:
    reason = 'answered 500: <b>&"quoted"</b> \x00\x1b[31m\ud800 ]]> é 東京 🚀'

    suite = suite_of(a_summary(verdict=Verdict.FAILED, reasons=(reason,), name="heavy"))

    text = suite.find("testcase[@name='verdict']/failure").text  # type: ignore[union-attr]
    assert text is not None
    assert '<b>&"quoted"</b>' in text
    assert "東京 🚀" in text


def test_the_steps_of_a_test_are_told_apart() -> None:
    results = [
        ThresholdResult(expression="p95 < 20s", value=1.0, passed=True, step=step) for step in ("light", "heavy")
    ]

    suite = suite_of(a_summary(thresholds=tuple(results)))

    assert [case.attrib["classname"].rpartition(".")[2] for case in suite.findall("testcase")[1:3]] == [
        "light",
        "heavy",
    ]
