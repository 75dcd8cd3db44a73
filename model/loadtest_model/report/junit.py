"""A run as JUnit XML, which continuous integration shows beside other tests: a test case for each thing that may fail.

The elements are those that Jenkins, GitLab and GitHub's reporters read alike; what they know no word for is a property.
"""

import re
from typing import Final
from xml.etree import ElementTree as Xml

from loadtest_model.judgement.verdict import Verdict, exit_status
from loadtest_model.measurement.snapshot import ProofLevel
from loadtest_model.protocol.exits import ExitStatus
from loadtest_model.reason_groups import ReasonClass
from loadtest_model.reasons import Reason
from loadtest_model.report.capacity import capacity_lines
from loadtest_model.report.summary import Summary
from loadtest_model.thresholds.bounds import ThresholdResult

# Whatever a target answers may stand in a reason, and XML 1.0 has no way to write these.
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(summary: Summary) -> bytes:
    """One suite: the verification, each threshold, the capacity of a climb, the target's health and the verdict.

    A threshold without a sample is skipped, and the health never fails. A verdict that says nothing of how the target
    carries load is an error and no failure: an inconclusive one, and each of a run that loaded nothing. The time of the
    whole stands at the verdict.
    """
    cases = [
        _verification_case(summary),
        *(_threshold_case(summary, result) for result in summary.thresholds),
        *_capacity_cases(summary),
        _verdict_case(summary),
    ]
    suite = Xml.Element("testsuite", _attributes(summary, cases))
    properties = Xml.SubElement(suite, "properties")
    for name, value in _properties(summary).items():
        Xml.SubElement(properties, "property", name=name, value=_xml_text(value))
    suite.extend(cases)
    suites = Xml.Element("testsuites", {name: suite.attrib[name] for name in ("tests", "failures", "errors", "time")})
    suites.append(suite)
    Xml.indent(suites)
    return bytes(Xml.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _attributes(summary: Summary, cases: list[Xml.Element]) -> dict[str, str]:
    def count_with(tag: str) -> str:
        return str(sum(case.find(tag) is not None for case in cases))

    attributes = {
        "name": _xml_text(summary.name),
        "tests": str(len(cases)),
        "failures": count_with("failure"),
        "errors": count_with("error"),
        "skipped": count_with("skipped"),
        "time": f"{summary.duration_seconds:.3f}",
    }
    # The readers take a time without a zone, and mean UTC.
    return {**attributes, "timestamp": summary.started_at.removesuffix("Z")} if summary.started_at else attributes


def _properties(summary: Summary) -> dict[str, str]:
    times = summary.response_time_seconds
    figures: dict[str, float | str | None] = {
        "records_confirmed": summary.records.confirmed,
        "records_per_second": summary.throughput.records_per_second,
        "error_rate": summary.error_rate,
    }
    if summary.capacity is None:
        figures |= {"p95_seconds": times.p95, "p99_seconds": times.p99}
    else:
        # The percentiles of all plateaus together say nothing of any load.
        figures |= {
            "capacity": summary.capacity.held,
            "capacity_by": str(summary.capacity.by),
            "capacity_at_least": str(summary.capacity.at_least).lower(),
            "capacity_knee": summary.capacity.knee,
        }
    known_figures = {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in figures.items()
        if value is not None
    }
    proof = summary.verification
    notice = {"notice": proof.notice} if proof.notice else {}
    health = {"health": str(summary.health.level)} if summary.health else {}
    return {
        "scenario": summary.scenario,
        **health,
        "proof": proof.level,
        "reason_class": summary.reason_class,
        **notice,
        **known_figures,
    }


def _test_case(summary: Summary, name: str, group: str = "", seconds: float = 0.0) -> Xml.Element:
    class_name = f"{summary.name}.{group}" if group else summary.name
    return Xml.Element(
        "testcase", {"classname": _xml_text(class_name), "name": _xml_text(name), "time": f"{seconds:.3f}"}
    )


def _verification_case(summary: Summary) -> Xml.Element:
    case = _test_case(summary, "verification")
    proof = summary.verification
    if proof.level is ProofLevel.NONE:
        text = summary.reasons[0] if summary.reasons else "the target was not verified"
        is_refused = summary.reason_class in (ReasonClass.REFUSED, ReasonClass.LOAD)
        # A test that was configured wrongly, not permitted or cut off says nothing against the target.
        is_failure = is_refused and summary.verdict is Verdict.FAILED
        _add_outcome(case, "failure" if is_failure else "error", Reason.NotVerified, text)
    return case


def _threshold_case(summary: Summary, result: ThresholdResult) -> Xml.Element:
    case = _test_case(summary, result.expression, result.step or "thresholds")
    measurement = "no sample" if result.value is None else f"measured {result.value:g}"
    text = f"{result.expression}: {measurement}" + (f"; {result.note}" if result.note else "")
    if result.passed is None:
        Xml.SubElement(case, "skipped", message=_xml_text(text))
    elif not result.passed:
        _add_outcome(case, "failure", Reason.ThresholdBreached, text)
    elif result.baseline is not None:
        Xml.SubElement(case, "system-out").text = _xml_text(text)
    return case


def _capacity_cases(summary: Summary) -> list[Xml.Element]:
    """Of a climb, whether the required load held; skipped if something else than the target ended it before."""
    capacity = summary.capacity
    if capacity is None:
        return []
    case = _test_case(summary, "capacity")
    lines = capacity_lines(capacity)
    is_reached = capacity.held is not None and capacity.held >= (capacity.required or 0.0)
    if not is_reached and capacity.at_least:
        Xml.SubElement(case, "skipped", message=_xml_text("; ".join(lines)))
    elif not is_reached:
        _add_outcome(case, "failure", Reason.CapacityTooLow, "; ".join(lines))
    Xml.SubElement(case, "system-out").text = _xml_text("\n".join(lines))
    return [case]


def _verdict_case(summary: Summary) -> Xml.Element:
    case = _test_case(summary, "verdict", seconds=summary.duration_seconds)
    if summary.verdict is not Verdict.PASSED:
        text = "\n".join(summary.reasons) or str(summary.verdict)
        is_failure = exit_status(summary.verdict, summary.reason_class) is ExitStatus.FAILED
        _add_outcome(case, "failure" if is_failure else "error", str(summary.verdict), text)
    health = summary.health
    lines = [f"health: {health.level}", *health.evidence] if health else ["nothing was loaded"]
    lines += [f"{diagnosis.title}: {diagnosis.next_step}" for diagnosis in summary.diagnoses]
    Xml.SubElement(case, "system-out").text = _xml_text("\n".join(lines))
    return case


def _add_outcome(case: Xml.Element, tag: str, kind: str, text: str) -> None:
    Xml.SubElement(case, tag, type=kind, message=_xml_text(text.splitlines()[0])).text = _xml_text(text)


def _xml_text(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
