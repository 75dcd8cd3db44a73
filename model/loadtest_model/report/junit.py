"""A run as JUnit XML, which continuous integration shows beside other tests: a test case for each thing that may fail.

The elements are those that Jenkins, GitLab and GitHub's reporters read alike; what they know no word for is a property.
"""

import re
from typing import Final
from xml.etree import ElementTree as Xml

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.snapshot import ProofLevel
from loadtest_model.reasons import Reason
from loadtest_model.report.summary import Summary
from loadtest_model.thresholds.bounds import ThresholdResult

# Whatever a target answers may stand in a reason, and XML 1.0 has no way to write these.
_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(summary: Summary) -> bytes:
    """One suite: the verification, each threshold, the target's health and the verdict.

    A threshold without a sample is skipped, an inconclusive verdict is an error and no failure, and the health never
    fails. The time of the whole stands at the verdict.
    """
    cases = [_verification(summary), *(_threshold(summary, result) for result in summary.thresholds), _verdict(summary)]
    suite = Xml.Element("testsuite", _attributes(summary, cases))
    properties = Xml.SubElement(suite, "properties")
    for name, value in _properties(summary).items():
        Xml.SubElement(properties, "property", name=name, value=_text(value))
    suite.extend(cases)
    suites = Xml.Element("testsuites", {name: suite.attrib[name] for name in ("tests", "failures", "errors", "time")})
    suites.append(suite)
    Xml.indent(suites)
    return bytes(Xml.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _attributes(summary: Summary, cases: list[Xml.Element]) -> dict[str, str]:
    def having(tag: str) -> str:
        return str(sum(case.find(tag) is not None for case in cases))

    made = {
        "name": _text(summary.name),
        "tests": str(len(cases)),
        "failures": having("failure"),
        "errors": having("error"),
        "skipped": having("skipped"),
        "time": f"{summary.duration_seconds:.3f}",
    }
    # The readers take a time without a zone, and mean UTC.
    return {**made, "timestamp": summary.started_at.removesuffix("Z")} if summary.started_at else made


def _properties(summary: Summary) -> dict[str, str]:
    times = summary.response_time_seconds
    measured = {
        "records_confirmed": summary.records.confirmed,
        "records_per_second": summary.throughput.records_per_second,
        "error_rate": summary.error_rate,
        "p95_seconds": times.p95,
        "p99_seconds": times.p99,
    }
    known = {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in measured.items()
        if value is not None
    }
    proof = summary.verification
    lowered = {"notice": proof.notice} if proof.notice else {}
    return {"scenario": summary.scenario, "health": str(summary.health.level), "proof": proof.level, **lowered, **known}


def _case(summary: Summary, name: str, group: str = "", seconds: float = 0.0) -> Xml.Element:
    within = f"{summary.name}.{group}" if group else summary.name
    return Xml.Element("testcase", {"classname": _text(within), "name": _text(name), "time": f"{seconds:.3f}"})


def _verification(summary: Summary) -> Xml.Element:
    case = _case(summary, "verification")
    proof = summary.verification
    if proof.level is ProofLevel.NONE:
        said = summary.reasons[0] if summary.reasons else "the target was not verified"
        # Whether it was refused or only cut off, the verdict knows.
        _tell(case, "failure" if summary.verdict is Verdict.FAILED else "error", Reason.NotVerified, said)
    return case


def _threshold(summary: Summary, result: ThresholdResult) -> Xml.Element:
    case = _case(summary, result.expression, result.step or "thresholds")
    measured = "no sample" if result.value is None else f"measured {result.value:g}"
    said = f"{result.expression}: {measured}" + (f"; {result.note}" if result.note else "")
    if result.passed is None:
        Xml.SubElement(case, "skipped", message=_text(said))
    elif not result.passed:
        _tell(case, "failure", Reason.ThresholdBreached, said)
    return case


def _verdict(summary: Summary) -> Xml.Element:
    case = _case(summary, "verdict", seconds=summary.duration_seconds)
    if summary.verdict is not Verdict.PASSED:
        said = "\n".join(summary.reasons) or str(summary.verdict)
        _tell(case, "failure" if summary.verdict is Verdict.FAILED else "error", str(summary.verdict), said)
    lines = [f"health: {summary.health.level}", *summary.health.evidence]
    lines += [f"{found.title}: {found.next_step}" for found in summary.diagnoses]
    Xml.SubElement(case, "system-out").text = _text("\n".join(lines))
    return case


def _tell(case: Xml.Element, tag: str, kind: str, said: str) -> None:
    Xml.SubElement(case, tag, type=kind, message=_text(said.splitlines()[0])).text = _text(said)


def _text(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
