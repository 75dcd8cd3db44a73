"""The user's own kubectl, through which everything in the cluster is read and changed.

Contexts, namespaces, credentials, plugins for them, proxies and impersonation are therefore what they are for kubectl.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kubectl_loadtest.errors import CommandError
from kubectl_loadtest.resources.load_test import RESOURCE, LoadTest
from loadgen.screen.lasting import write_if_possible

Json = dict[str, Any]

PROGRAM_VARIABLE: Final = "KUBECTL"

_HINTS: Final = (
    (
        r"the server doesn't have a resource type|no matches for kind \"LoadTest\"",
        "the cluster does not know LoadTests; `kubectl loadtest doctor` says what is missing",
    ),
    (
        rf"\(NotFound\): {re.escape(RESOURCE)}",
        "`kubectl loadtest get` lists the tests of the namespace; -n names another namespace",
    ),
    (r"\(Forbidden\)", "`kubectl loadtest doctor` says which rights are missing"),
    (
        r"connection refused|Unable to connect|no such host|i/o timeout|was refused",
        "look at `kubectl config current-context`, or name another context by --context",
    ),
    (
        r"can be changed only when the test has completed|cannot be changed; when the test has completed",
        "it has not ended: `kubectl loadtest watch NAME` waits for it, `kubectl loadtest stop NAME` ends it",
    ),
)
"""What kubectl may say, and what helps."""

_NO_REASON: Final = "error: kubectl failed and did not say why"

_LOST_ANSWER: Final = (
    r"\bEOF\b|reset by peer|connection lost|broken pipe|GOAWAY|[Tt]imeout|timed out|deadline exceeded"
    rf"|\(InternalError\)|{_NO_REASON}"
)
"""What kubectl says where the API server has been asked and no answer, or none of its own, came back."""

_LOG_LINE: Final = re.compile(r"^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ ")


class KubectlError(CommandError):
    """kubectl, or the API server through it, refused; `message` is in its own words."""

    @property
    def is_not_found(self) -> bool:
        return "(NotFound)" in self.message

    @property
    def is_refusal(self) -> bool:
        """Whether asking again would give the same answer: who asks has not the right to, or is not known."""
        return "(Forbidden)" in self.message or "(Unauthorized)" in self.message or "must be logged in" in self.message

    @property
    def is_lost_answer(self) -> bool:
        """Whether the API server may have done what was asked of it: the answer was lost, or kubectl was ended."""
        return re.search(_LOST_ANSWER, self.message) is not None and "dial tcp" not in self.message

    @property
    def may_pass(self) -> bool:
        """Whether another try may go better: no answer came, or the API server could not give one."""
        return not (
            self.is_not_found or self.is_refusal or re.search(r"is invalid|\((Invalid|BadRequest)\)", self.message)
        )


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A program and the flags of the user that go with each call."""

    program: str
    flags: tuple[str, ...] = ()

    def text(self, *arguments: str, standard_input: str | None = None) -> str:
        """Run kubectl and return what it writes; `standard_input` is what it reads. Raises KubectlError."""
        process = subprocess.run(
            self.command(*arguments),
            input=standard_input,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if process.returncode:
            raise error_of(process.stderr)
        # Warnings of the API server, and what -v asks for.
        write_if_possible(sys.stderr, process.stderr)
        return process.stdout

    def json(self, *arguments: str, standard_input: str | None = None) -> Json:
        """The same with an object, as JSON. Raises KubectlError."""
        document: Json = json.loads(self.text(*arguments, "--output=json", standard_input=standard_input))
        return document

    def documents(self, *arguments: str, standard_input: str) -> list[Json]:
        """The same with several objects, which kubectl prints one after the other. Raises KubectlError."""
        text = self.text(*arguments, "--output=json", standard_input=standard_input).lstrip()
        decoder = json.JSONDecoder()
        documents = []
        while text:
            document, end = decoder.raw_decode(text)
            documents.append(document)
            text = text[end:].lstrip()
        return documents

    def load_test(self, name: str) -> LoadTest:
        return LoadTest(self.json("get", RESOURCE, name))

    def change(self, name: str, spec: Json) -> LoadTest:
        """Change fields of a test's spec. Raises KubectlError."""
        return LoadTest(self.json("patch", RESOURCE, name, "--type=merge", f"--patch={json.dumps({'spec': spec})}"))

    def hand_over(self, *arguments: str) -> int:
        """Let kubectl speak to the user itself; gives its exit status."""
        return subprocess.run(self.command(*arguments), check=False).returncode

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start kubectl, whose output is read while it runs."""
        return subprocess.Popen(
            self.command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def in_namespace(self, namespace: str) -> "Kubectl":
        """The same for what is in a namespace, whatever the user's flags say of it."""
        others = tuple(flag for flag in self.flags if not flag.startswith("--namespace="))
        return Kubectl(self.program, (*others, f"--namespace={namespace}"))

    def command(self, *arguments: str) -> list[str]:
        return [self.program, *arguments, *self.flags]

    @property
    def namespace(self) -> str | None:
        """The namespace that the user's flags name."""
        return next((flag.partition("=")[2] for flag in self.flags if flag.startswith("--namespace=")), None)

    @property
    def flag_text(self) -> str:
        """The user's flags as a command to type again needs them; empty or with a space before."""
        return "".join(f" {flag}" for flag in self.flags)


def kubectl_of(environment: Mapping[str, str], flags: Sequence[str]) -> Kubectl:
    """The kubectl of an environment. Raises CommandError if there is none."""
    name = environment.get(PROGRAM_VARIABLE) or "kubectl"
    program = shutil.which(name, path=environment.get("PATH", os.defpath))
    if program is None:
        raise CommandError(
            f"error: {name} is not there to be run", f"install kubectl, or name it by {PROGRAM_VARIABLE}"
        )
    return Kubectl(program, tuple(flags))


def error_of(stderr: str) -> KubectlError:
    """What kubectl wrote on its way out as an error, with what helps."""
    lines = [line for line in stderr.strip().splitlines() if not _LOG_LINE.match(line)]
    message = "\n".join(lines) or _NO_REASON
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, message)), "")
    return KubectlError(message, hint)
