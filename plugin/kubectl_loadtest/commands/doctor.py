"""`doctor`: what keeps load tests from running here, each finding with its remedy."""

import argparse
import sys
from collections.abc import Sequence

from kubectl_loadtest.doctor.checks import findings_of
from kubectl_loadtest.doctor.facts import gather
from kubectl_loadtest.doctor.findings import Finding, Level
from kubectl_loadtest.errors import COMMAND_FAILED
from kubectl_loadtest.kubectl import Kubectl
from kubectl_loadtest.views.style import Style, say, style_of
from loadgen.screen.texts import LABEL_WIDTH
from loadtest_model.quantities import count_text
from loadtest_model.release import installed_version

HELP = "look for what keeps tests from running here, and say what helps"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "exit status: 0 if nothing is in the way, else 1; notes are in nobody's way"


def run(_options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Print all findings; gives 0 only if nothing is in the way."""
    findings = findings_of(gather(kubectl), installed_version())
    say(finding_lines(findings, style_of(sys.stdout)))
    return COMMAND_FAILED if any(finding.level is Level.PROBLEM for finding in findings) else 0


def finding_lines(findings: Sequence[Finding], style: Style) -> list[str]:
    """Each finding with its remedy, and how many problems there are."""
    paint = {Level.OK: style.good, Level.NOTE: style.doubtful, Level.PROBLEM: style.bad}
    lines = []
    for finding in findings:
        gap = " " * (LABEL_WIDTH - len(finding.level))
        lines.append(f"{paint[finding.level](finding.level)}{gap}{finding.subject}: {finding.text}")
        if finding.remedy:
            lines.append(f"{'':<{LABEL_WIDTH}}- {finding.remedy}")
    problems = sum(finding.level is Level.PROBLEM for finding in findings)
    lines.append("")
    lines.append(style.bad(f"{count_text(problems, 'problem')} in the way") if problems else "nothing is in the way")
    return lines
