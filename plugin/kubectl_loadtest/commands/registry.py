"""All commands by their names, in the order in which they are listed."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from kubectl_loadtest.commands import changing, completion, doctor, live_pages, results, running, showing
from kubectl_loadtest.kubectl import Kubectl


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it is for, its options, and what it does. `completes_tests` if its arguments are LoadTests."""

    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Kubectl], int]
    completes_tests: bool = True


COMMANDS: Final = {
    "run": Command(running.RUN_HELP, running.add_run_options, running.run, completes_tests=False),
    "verify": Command(running.VERIFY_HELP, running.add_verify_options, running.verify, completes_tests=False),
    "watch": Command(showing.WATCH_HELP, showing.add_watch_options, showing.watch),
    "get": Command(showing.GET_HELP, showing.add_get_options, showing.get),
    "describe": Command(showing.DESCRIBE_HELP, showing.add_describe_options, showing.describe),
    "report": Command(results.REPORT_HELP, results.add_report_options, results.report),
    "results": Command(results.RESULTS_HELP, results.add_results_options, results.results),
    "compare": Command(results.COMPARE_HELP, results.add_compare_options, results.compare),
    "logs": Command(showing.LOGS_HELP, showing.add_logs_options, showing.logs),
    "stop": Command(changing.STOP_HELP, changing.add_stop_options, changing.stop),
    "rerun": Command(running.RERUN_HELP, running.add_rerun_options, running.rerun),
    "ui": Command(live_pages.HELP, live_pages.add_options, live_pages.run),
    "doctor": Command(doctor.HELP, doctor.add_options, doctor.run, completes_tests=False),
    "completion": Command(completion.HELP, completion.add_options, completion.run, completes_tests=False),
}
