"""`ui`: the operator's live pages in the user's browser, through a port that kubectl forwards."""

import argparse
import re
import subprocess
import sys
import time
import webbrowser
from dataclasses import dataclass
from typing import Any, Final

from kubectl_loadtest.doctor.deployments import environment_of, name_of, watches
from kubectl_loadtest.errors import CommandError
from kubectl_loadtest.following.until_the_end import interruptible
from kubectl_loadtest.kubectl import Kubectl, KubectlError, error_of

Json = dict[str, Any]

HELP = "show the live pages of all tests, or of one, in the browser"

_SELECTOR: Final = "--selector=app.kubernetes.io/name=loadtest-operator"
_FORWARDING: Final = re.compile(r"^Forwarding from 127\.0\.0\.1:(\d+) ")
_RETRY_SECONDS: Final = 2.0
_MOST_FAILURES: Final = 30
"""How often in a row no pod can be reached before the command gives up: an operator that starts anew needs a while."""


@dataclass(frozen=True)
class PagesOfOperator:
    """An operator that has live pages: where its pods are, at which port, and the Lease that says which is at work."""

    namespace: str
    name: str
    port: int
    lease: str


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="a LoadTest (default: the list of all)")
    parser.add_argument("--port", metavar="PORT", type=int, default=0, help="the local port (default: any free one)")
    parser.add_argument("--no-open", action="store_true", help="print the address, and open no browser")
    parser.epilog = "It runs until Ctrl-C. The operator must have the pages: the chart's setting ui.enabled."


def run(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Forward a port until Ctrl-C. Raises CommandError."""
    test = kubectl.load_test(options.name) if options.name else None
    operator = pages_of(kubectl, test.namespace if test is not None else "")
    path = f"tests/{test.namespace}/{test.name}" if test is not None else ""
    there = kubectl.in_namespace(operator.namespace)
    port, failures, is_shown = options.port, 0, False
    try:
        with interruptible():
            while True:
                try:
                    with _Forwarding(there, _pod_at_work(there, operator), port, operator.port) as forwarding:
                        # The page in the browser comes back to the same port.
                        port, failures = forwarding.port, 0
                        if not is_shown:
                            _show(f"http://127.0.0.1:{port}/{path}", is_opened=not options.no_open)
                            is_shown = True
                        forwarding.wait()
                except KubectlError as error:
                    failures += 1
                    if error.is_refusal or not is_shown or failures >= _MOST_FAILURES:
                        raise
                print("the connection to the operator was lost; trying again", file=sys.stderr)
                time.sleep(_RETRY_SECONDS)
    except KeyboardInterrupt:
        return 0


def pages_of(kubectl: Kubectl, namespace: str = "") -> PagesOfOperator:
    """The operator that has the pages of a namespace's tests, or of any. Raises CommandError."""
    try:
        items: list[Json] = kubectl.json("get", "deployments", _SELECTOR, "--all-namespaces")["items"]
    except KubectlError as error:
        if not error.is_refusal:
            raise
        # Who may not look everywhere names the operator's namespace.
        items = kubectl.json("get", "deployments", _SELECTOR)["items"]
    fitting = [item for item in items if not namespace or watches(item, namespace)]
    if not fitting:
        raise CommandError(
            "error: there is no operator to show pages" + (f" of namespace {namespace}" if namespace else ""),
            "`kubectl loadtest doctor` says what is missing; -n names the operator's namespace to who may not look in"
            " all namespaces",
        )
    for deployment in fitting:
        variables = environment_of(deployment)
        if variables.get("LOADTEST_UI_PORT", "0") != "0":
            metadata = deployment["metadata"]
            return PagesOfOperator(
                namespace=metadata["namespace"],
                name=metadata["name"],
                port=int(variables["LOADTEST_UI_PORT"]),
                lease=variables.get("LOADTEST_LEASE", ""),
            )
    raise CommandError(
        f"error: the operator {name_of(fitting[0])} serves no pages",
        "whoever installed it can turn them on: helm upgrade ... --reuse-values --set ui.enabled=true",
    )


def _pod_at_work(kubectl: Kubectl, operator: PagesOfOperator) -> str:
    """The pod to forward to: of several replicas the one that holds the Lease. Raises KubectlError."""
    if not operator.lease:
        return f"deployment/{operator.name}"
    try:
        holder = kubectl.json("get", "lease", operator.lease)["spec"].get("holderIdentity") or ""
    except KubectlError as error:
        print(f"{error.message}; any replica will do", file=sys.stderr)
        return f"deployment/{operator.name}"
    pod = holder.rpartition("_")[0]
    return f"pod/{pod}" if pod else f"deployment/{operator.name}"


def _show(address: str, *, is_opened: bool) -> None:
    print(f"{address}  (Ctrl-C ends it)", flush=True)
    if is_opened and not webbrowser.open(address):
        print("no browser can be opened here; open the address yourself", file=sys.stderr)


class _Forwarding:
    """A local port that kubectl forwards to a pod. Raises KubectlError if it cannot be."""

    def __init__(self, kubectl: Kubectl, pod: str, local_port: int, pod_port: int) -> None:
        place = f"{local_port or ''}:{pod_port}"
        self._process = kubectl.start("port-forward", pod, place, "--address=127.0.0.1")
        self.port = 0

    def __enter__(self) -> "_Forwarding":
        try:
            self.port = self._await_port()
        except BaseException:
            self._end()
            raise
        return self

    def wait(self) -> None:
        """Wait until kubectl ends, as it does where the pod ends."""
        self._process.communicate()

    def __exit__(self, *_: object) -> None:
        self._end()

    def _await_port(self) -> int:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        for line in self._process.stdout:
            match = _FORWARDING.match(line)
            if match:
                return int(match[1])
        _, stderr = self._process.communicate()
        raise error_of(stderr)

    def _end(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.communicate(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
