"""`kubectl loadtest ui`: which operator and which of its pods it forwards to, and what it says where there is none."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kubectl_loadtest.commands import live_pages
from kubectl_loadtest.commands.live_pages import PagesOfOperator, pages_of
from kubectl_loadtest.errors import CommandError
from kubectl_loadtest.kubectl import Kubectl, KubectlError

Json = dict[str, Any]
FORBIDDEN = KubectlError("Error from server (Forbidden): deployments is forbidden")


def a_deployment(name: str = "loadtest-operator", namespace: str = "loadtest-system", **environment: str) -> Json:
    env = [{"name": key, "value": value} for key, value in environment.items()]
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"template": {"spec": {"containers": [{"name": "operator", "env": env}]}}},
    }


@dataclass(frozen=True)
class SomeKubectl(Kubectl):
    """Answers with these objects; what is an error is raised."""

    program: str = "kubectl"
    answers: dict[str, Json | KubectlError] = field(default_factory=dict)

    def json(self, *arguments: str, given: str | None = None) -> Json:
        answer = self.answers[" ".join(each for each in arguments if not each.startswith("--selector"))]
        if isinstance(answer, KubectlError):
            raise answer
        return json.loads(json.dumps(answer))  # type: ignore[no-any-return]


def kubectl_with(*deployments: Json) -> SomeKubectl:
    return SomeKubectl(answers={"get deployments --all-namespaces": {"items": list(deployments)}})


def test_the_operator_that_watches_the_tests_namespace_is_chosen() -> None:
    kubectl = kubectl_with(
        a_deployment("other", LOADTEST_WATCH_NAMESPACES="team", LOADTEST_UI_PORT="8082"),
        a_deployment("mine", LOADTEST_WATCH_NAMESPACES="shop,other", LOADTEST_UI_PORT="9082", LOADTEST_LEASE="mine"),
    )

    assert pages_of(kubectl, "shop") == PagesOfOperator("loadtest-system", "mine", 9082, "mine")


def test_an_operator_without_pages_is_told_with_what_turns_them_on() -> None:
    with pytest.raises(CommandError) as told:
        pages_of(kubectl_with(a_deployment()), "shop")

    assert "loadtest-system/loadtest-operator serves no pages" in told.value.message
    assert "--set ui.enabled=true" in told.value.hint


def test_a_cluster_without_an_operator_is_told() -> None:
    with pytest.raises(CommandError, match="there is no operator"):
        pages_of(kubectl_with())


def test_who_may_not_look_everywhere_is_shown_the_operator_of_their_namespace() -> None:
    kubectl = SomeKubectl(
        answers={
            "get deployments --all-namespaces": FORBIDDEN,
            "get deployments": {"items": [a_deployment(LOADTEST_UI_PORT="8082")]},
        }
    )

    assert pages_of(kubectl).name == "loadtest-operator"


@pytest.mark.parametrize(
    ("lease", "answer", "pod"),
    [
        ("", {}, "deployment/mine"),
        ("mine", {"spec": {"holderIdentity": "mine-6d9f-abcde_0123456789ab"}}, "pod/mine-6d9f-abcde"),
        ("mine", {"spec": {"holderIdentity": ""}}, "deployment/mine"),
        ("mine", FORBIDDEN, "deployment/mine"),
    ],
)
def test_of_several_replicas_the_one_that_holds_the_lease_is_forwarded_to(
    lease: str, answer: Json | KubectlError, pod: str
) -> None:
    kubectl = SomeKubectl(answers={"get lease mine": answer})

    assert live_pages._pod_at_work(kubectl, PagesOfOperator("loadtest-system", "mine", 8082, lease)) == pod


FORWARDING = """#!/bin/sh
case "$1" in
  get) cat '{folder}/deployments.json' ;;
  port-forward)
    {line}
    echo $$ >'{folder}/written' && mv '{folder}/written' '{folder}/forwarding'
    exec sleep 60
    ;;
esac
"""


@pytest.mark.parametrize("line", ["echo 'Forwarding from 127.0.0.1:4321 -> 8082'", ":"], ids=["forwards", "begins"])
def test_a_forwarding_ends_with_the_command_that_is_ended(line: str, tmp_path: Path) -> None:
    deployments = {"items": [a_deployment(LOADTEST_UI_PORT="8082")]}
    (tmp_path / "deployments.json").write_text(json.dumps(deployments), encoding="utf-8")
    program = tmp_path / "kubectl"
    program.write_text(FORWARDING.format(folder=tmp_path, line=line), encoding="utf-8")
    program.chmod(0o755)
    command = [sys.executable, "-m", "kubectl_loadtest.cli.main", "ui", "--no-open"]
    ui = subprocess.Popen(command, env={**os.environ, "KUBECTL": str(program)}, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "forwarding").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    forwarding = int((tmp_path / "forwarding").read_text())

    ui.send_signal(signal.SIGTERM)
    ui.wait(30)
    try:
        os.kill(forwarding, signal.SIGKILL)
    except ProcessLookupError:
        return
    raise AssertionError("kubectl went on forwarding")
