"""A load test as a gate, for those who have no cluster: `--help` says how it is used. It needs `loadgen` on the PATH.

It waits until the service that is tested says that it runs the version to be released, runs `loadgen run`, and asks for
the version again. So no verdict is about another version.
"""

import argparse
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PASSED, INCONCLUSIVE, NEVER_LOADED, USAGE = 0, 2, 3, 64
ANSWERS_IN_A_ROW = 5
PAUSE_SECONDS = 0.2
ANSWER_SECONDS = 10.0
STATUSES = """\
exit status: 0 Passed, 1 Failed under load, 2 Inconclusive, or another version was there after a load that passed,
3 nothing was loaded (refused, stopped, or the version was not there in time), 64 wrong usage
"""


def main() -> int:
    """Run the gate; gives the exit status."""
    parser = argparse.ArgumentParser(
        usage="gate_without_cluster.py --version-url URL --version TEXT [OPTION ...] -- OPTIONS OF loadgen run",
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version-url", required=True, metavar="URL", help="where the service says what it runs")
    parser.add_argument("--version", required=True, metavar="TEXT", help="a whole word or JSON text of that answer")
    parser.add_argument("--wait", type=float, default=600.0, metavar="SECONDS", help="for the version (default: 600)")
    parser.add_argument("--out", default="results", metavar="DIR", help="where results are saved (default: results)")
    parser.add_argument("--summary", metavar="FILE", help="append the verdict as Markdown to this file")
    parser.add_argument("load", nargs="+", metavar="OPTION", help="of loadgen run: scenario, URL, thresholds")
    try:
        options = parser.parse_args()
    except SystemExit as end:
        return USAGE if end.code else PASSED
    # Pipelines end a step by SIGTERM, which is to count as Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if not is_there_within(options.wait, options.version_url, options.version):
            return NEVER_LOADED
    except KeyboardInterrupt:
        return NEVER_LOADED
    earlier = set(Path(options.out).glob("*_summary.md"))
    status = load([*options.load, "--out", options.out])
    new = sorted(set(Path(options.out).glob("*_summary.md")) - earlier)
    if options.summary and new:
        with Path(options.summary).open("a", encoding="utf-8") as summary:
            summary.write(f"Version `{options.version}`\n\n{new[-1].read_text(encoding='utf-8')}\n")
    if status == PASSED and not is_there(options.version_url, options.version):
        print("gate: the verdict does not count: another version was there after the load", file=sys.stderr)
        return INCONCLUSIVE
    return status


def load(arguments: list[str]) -> int:
    """Run the load test. Each signal is passed on to it, and its end is waited for."""
    processes: list[subprocess.Popen[bytes]] = []
    early_signals: list[int] = []

    def pass_on(number: int, _frame: object = None) -> None:
        if processes:
            # SIGTERM, by which pipelines end a step, is to count as Ctrl-C.
            processes[0].send_signal(signal.SIGINT if number == signal.SIGTERM else number)
        else:
            early_signals.append(number)

    for number in (getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    command = ["loadgen", "run", *arguments]
    # In a group of its own: a terminal would send it Ctrl-C as well, which would count twice.
    processes.append(subprocess.Popen(command, process_group=0))  # noqa: S603 - what the pipeline says
    for number in early_signals:
        pass_on(number)
    status = processes[0].wait()
    return status if status >= 0 else INCONCLUSIVE


def is_there_within(seconds: float, url: str, version: str) -> bool:
    """Wait until the service runs the version."""
    ends_at = time.monotonic() + seconds
    while not is_there(url, version):
        if time.monotonic() >= ends_at:
            print(f"gate: {url} does not say {version} {ANSWERS_IN_A_ROW} times in a row", file=sys.stderr)
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def is_there(url: str, version: str) -> bool:
    """Whether the service runs the version: several answers in a row say so, since others may come in a rollout."""
    for number in range(ANSWERS_IN_A_ROW):
        time.sleep(PAUSE_SECONDS if number else 0.0)
        if version not in words_of(url):
            return False
    return True


def words_of(url: str) -> list[str]:
    """The words of an answer: v1.4.0 is none of v1.4.0-rc1."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=ANSWER_SECONDS) as answer:
            text = answer.read(1_000_000).decode("utf-8", "replace")
    except (urllib.error.URLError, OSError, ValueError) as error:
        print(f"gate: {url}: {error}", file=sys.stderr)
        return []
    return re.split(r"[^A-Za-z0-9._+:@/-]+", text)


if __name__ == "__main__":
    sys.exit(main())
