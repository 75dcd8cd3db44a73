"""The options that `loadgen run`, `verify` and `export` have.

Values are kept as they were typed. `document` reads them, so that a wrong option, a wrong environment variable and a
wrong manifest are all reported in the same way.
"""

import argparse
import textwrap
from typing import Final

from loadgen.options.errors import UsageError
from loadgen.options.records_options import FIELD_HELP
from loadtest_model.load.scenarios import PRESETS
from loadtest_model.spec import Scenario
from loadtest_model.spec.capacity import ClimbBy
from loadtest_model.thresholds.metrics import METRICS

DEBUG_HELP: Final = "print every upload: size, times, status and answer"
SCENARIOS: Final = tuple(map(str, Scenario))
ANY_PORT: Final = 0
"""The value of `--ui` without a port."""

VERIFY_DESCRIPTION: Final = """\
Proves that a target honours X-Load-Test, with a few uploads and no load: a file with only
its header row, one canary row, a few rows, then one batch of full size, to every address.
The first doubt ends it. Exit status: 0 verified, 3 refused, 64 wrong usage.
"""

RUN_DESCRIPTION: Final = """\
Proves that a target honours X-Load-Test, then loads it, measures it and gives a verdict.
The same code runs as a pod of the operator; here it is the whole fleet by itself.
"""

EXPORT_DESCRIPTION: Final = """\
Writes a test (a scenario's, or a manifest's) as a k6 script, or as an Artillery configuration with
its processor:
the same header, batches, stages and thresholds, and the same safety. Both verify the target first,
check marker and count in every answer, and end at the first violation. What the other tool has no
words for (XLSX, a log-in, our own metrics) is refused, by name.
"""


def run_epilog() -> str:
    """What stands below the options of `loadgen run`: the scenarios, the environment, exit statuses."""
    scenarios = "\n".join(
        f"  {name:<8} {preset.batch_size:>6,} records a batch, {preset.virtual_users:>2} virtual"
        f" user{'s, ' if preset.virtual_users > 1 else ',  '}{preset.duration_seconds / 60:>2.0f} min: {preset.purpose}"
        for name, preset in PRESETS.items()
    )
    return f"""\
scenarios (what each is for):
{scenarios}
  all      these four, one after the other
  custom   what --batch-size and --duration (or --stage) say
  capacity plateaus that climb until the thresholds no longer hold: how much the target can take

environment variables, which options go before and which go before a manifest:
  API_URL (--url), AUTH_TOKEN (the token itself), BATCH_SIZE, CONCURRENCY (--virtual-users),
  DURATION (minutes, or with a unit: 90s); LOGIN_USERNAME and LOGIN_PASSWORD (--login-url)

metrics for --threshold and --abort, of all steps or of one (heavy.p95<20s):
{textwrap.fill(", ".join(METRICS), 96, initial_indent="  ", subsequent_indent="  ")}

{FIELD_HELP}
what the records look like: loadgen sample

Ctrl-C once finishes the uploads in flight, twice stops at once; the results are written either way.

exit status: 0 Passed, 1 Failed under load, 2 Inconclusive, 3 nothing was loaded (refused, stopped), 64 wrong usage

examples:
  loadgen run light --url https://api.example.com/clients/upload/process/
  loadgen run custom --batch-size 5000 --virtual-users 3 --duration 90s --threshold 'p95<5s'
  loadgen run -f loadtest.yaml --out results/
"""


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """The options about the target, which `run` and `verify` have in common, here and in a cluster."""
    target = parser.add_argument_group("target")
    target.add_argument("--url", help="where files are uploaded (or API_URL)")
    target.add_argument(
        "--header", action="append", default=[], metavar="'NAME: VALUE'", help="further request header; repeatable"
    )
    target.add_argument("--auth-scheme", metavar="WORD", help="word before the token: Bearer (default), or Token")
    target.add_argument(
        "--login-url", metavar="URL", help="where name and password are posted for a token, which is renewed in time"
    )
    target.add_argument("--login-field", metavar="USER,PASSWORD", help="fields of both (default: username,password)")
    target.add_argument("--login-format", choices=("json", "form"), help="how they are posted (default: json)")
    target.add_argument("--login-token", metavar="PATH", help="of the token in the answer (default: access)")
    target.add_argument(
        "--login-expires-in", metavar="PATH", help="of the token's lifetime in seconds (default: its own exp)"
    )
    target.add_argument("--host", metavar="NAME", help="the Host header, where it is not the URL's (ALLOWED_HOSTS)")
    target.add_argument("--server-name", metavar="NAME", help="name in the target's certificate, where not the URL's")
    target.add_argument("--format", choices=("csv", "xlsx"), help="format of the uploaded files (default: csv)")
    target.add_argument("--file-field", metavar="NAME", help="name of the form's file field (default: file)")
    target.add_argument("--file-name", metavar="NAME", help="of the uploaded files (default: clients-{n}.csv or .xlsx)")
    target.add_argument(
        "--form-field", action="append", default=[], metavar="NAME=VALUE", help="further form field; repeatable"
    )
    target.add_argument("--timeout", metavar="TIME", help="longest time for one upload (default: 120s)")
    target.add_argument("--connect-timeout", metavar="TIME", help="for opening a connection, TLS included (10s)")
    target.add_argument("--upload-timeout", metavar="TIME", help="for sending the body (default: --timeout alone)")
    target.add_argument("--answer-timeout", metavar="TIME", help="for the answer after it (default: --timeout alone)")
    target.add_argument(
        "--connections",
        choices=("auto", "kept", "per-upload"),
        help="per-upload: a new one for each; default: auto, per-upload from 1,000 rows a batch on",
    )
    target.add_argument("--marker", metavar="PATH", help="of the marker in the answer (default: load_test_mode)")
    target.add_argument("--count", metavar="PATH", help="of the count in the answer (default: processed_count)")
    target.add_argument("--nonce", metavar="PATH", help="of the nonce in the answer (default: load_test_nonce)")
    target.add_argument(
        "--require",
        metavar="LEVEL",
        help="level of proof that is enough: acknowledged (default), echoed, or proven, which needs --read-back",
    )
    target.add_argument(
        "--read-back",
        metavar="URL",
        help="read here what is stored, before and after; {client_id} or another unique column looks rows up",
    )
    target.add_argument("--read-back-count", metavar="PATH", help="of the count in the read-back's answer")
    target.add_argument(
        "--read-back-control",
        metavar="VALUE|URL",
        help="the value of a row that is stored in the column of the look-up, or a URL that finds something",
    )
    target.add_argument("--metrics-url", metavar="URL", help="the target's Prometheus metrics, for its memory")


def add_local_options(parser: argparse.ArgumentParser) -> None:
    """The options about this machine: files with secrets, and what it may connect to. A cluster has its own words."""
    local = parser.add_argument_group(
        "secrets and networks", "Name and password of a log-in are in LOGIN_USERNAME and LOGIN_PASSWORD."
    )
    local.add_argument("--token-file", metavar="FILE", help="file with the token of the Authorization header")
    local.add_argument(
        "--header-env",
        action="append",
        default=[],
        metavar="'NAME: VARIABLE'",
        help="further request header whose secret value is in this variable of the environment; repeatable",
    )
    local.add_argument("--ca-file", metavar="FILE", help="authorities that may sign the target's certificate (PEM)")
    local.add_argument("--client-cert", metavar="FILE", help="certificate that is shown to the target (PEM)")
    local.add_argument("--client-key", metavar="FILE", help="its key (PEM)")
    local.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="CIDR",
        help="only these networks may be connected to; repeatable",
    )
    local.add_argument(
        "--deny", action="append", default=[], metavar="CIDR", help="never connect to this network; repeatable"
    )


def add_load_options(parser: argparse.ArgumentParser) -> None:
    """The options about the load and its bounds."""
    load = parser.add_argument_group("load")
    load.add_argument("--batch-size", metavar="N", help="records in one file (or BATCH_SIZE)")
    load.add_argument("--virtual-users", "--vus", "--concurrency", metavar="N", help="virtual users (or CONCURRENCY)")
    load.add_argument("--duration", metavar="TIME", help="minutes, or with a unit: 90s (or DURATION)")
    load.add_argument("--records", metavar="N", help="so many records in all, in place of --duration")
    load.add_argument(
        "--stage",
        action="append",
        default=[],
        metavar="TIME:USERS",
        help="a stage that ends at so many virtual users, such as 30s:5, or at an arrival rate: 30s:20/s;"
        " repeatable, in place of --duration and --virtual-users (or --arrival-rate)",
    )
    load.add_argument("--arrival-rate", metavar="N", help="uploads a second, whatever the target does (open model)")
    load.add_argument("--arrivals", choices=("constant", "poisson"), help="how arrivals are spaced")
    load.add_argument(
        "--capacity-by", choices=tuple(map(str, ClimbBy)), help="what climbs in scenario capacity (default: users)"
    )
    load.add_argument("--capacity-from", metavar="N", help="load of its first plateau (default: 1)")
    load.add_argument("--capacity-to", metavar="N", help="load of its last plateau (default: 100)")
    load.add_argument("--capacity-factor", metavar="N", help="from plateau to plateau (default: 1.5)")
    load.add_argument("--capacity-plateau", metavar="TIME", help="length of each plateau (default: 30s)")
    load.add_argument("--capacity-required", metavar="N", help="the load that must hold for the verdict Passed")
    load.add_argument("--max-lateness", metavar="TIME", help="how long a due upload waits for a free virtual user")
    load.add_argument("--think-time", metavar="TIME", help="pause of a virtual user between two uploads")
    load.add_argument("--warm-up", metavar="TIME", help="first part of the load that thresholds leave out")
    load.add_argument("--graceful-stop", metavar="TIME", help="how long uploads in flight at the end are waited for")
    load.add_argument(
        "--threshold",
        action="append",
        default=[],
        metavar="EXPRESSION",
        help="bound such as 'p95<20s' or 'error_rate<1%%'; repeatable, in place of the scenario's own",
    )
    load.add_argument(
        "--abort",
        action="append",
        default=[],
        metavar="EXPRESSION",
        help="bound that ends the load as soon as it is breached three times in a row; repeatable",
    )
    load.add_argument("--abort-after", metavar="TIME", help="how long past the warm-up nothing is aborted (30s)")
    load.add_argument(
        "--trace", metavar="RATIO", help="send a traceparent with each upload; this share is sampled, such as 0.1"
    )
    load.add_argument("--seed", metavar="N", help="the same seed gives the same people")


def ui_port(text: str) -> int | str:
    """The port of `--ui`. A scenario behind `--ui` is the scenario of the run: it is given back as it is."""
    if text in SCENARIOS:
        return text
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; write a number from 1 to 65535, or nothing")
    return int(text)


def with_scenario_behind_ui(options: argparse.Namespace) -> None:
    """Let `loadgen run --ui light` mean what it says: the option takes no scenario for its port."""
    if isinstance(options.ui, str):
        if options.scenario is not None:
            raise UsageError(f"--ui is {options.ui!r}; it takes a port, or nothing")
        options.scenario, options.ui = options.ui, ANY_PORT


def add_compare_options(parser: argparse.ArgumentParser) -> None:
    """The options about a page with two runs, which `compare` has here and in a cluster."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--open", action="store_true", help="save a page in the current folder, and open it")
    place.add_argument("-o", "--output", metavar="FILE", help="write a page with the curves of both over each other")


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """The options about what is shown and written."""
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", metavar="FOLDER", default="load_test_results", help="where results go (default: %(default)s)"
    )
    output.add_argument(
        "--baseline",
        action="append",
        default=[],
        metavar="FILE|FOLDER",
        help="summaries of the earlier runs that 'p95<baseline+10%%' compares with; repeatable (default: --out)",
    )
    output.add_argument("--samples", metavar="FILE", help="write every upload as a line of CSV to this file")
    output.add_argument("--debug", action="store_true", help=DEBUG_HELP)
    output.add_argument("--json", action="store_true", help="print the summary as JSON, and all else to stderr")
    output.add_argument(
        "--ui",
        nargs="?",
        const=ANY_PORT,
        type=ui_port,
        metavar="PORT",
        help="serve a live page on 127.0.0.1 while the test runs (port 8082, or another that is free)",
    )
    output.add_argument("--quiet", action="store_true", help="print the verdict and its reasons only")
