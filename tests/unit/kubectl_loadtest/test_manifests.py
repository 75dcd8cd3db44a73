"""From a command line to the LoadTest that is applied."""

import argparse
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kubectl_loadtest.cli.main import main
from kubectl_loadtest.cli.parsing import parse
from kubectl_loadtest.errors import WrongUsageError
from kubectl_loadtest.resources.manifests import document_from_options
from loadgen.cli.main import command_parser
from loadgen.options.document import draft_of
from loadtest_model.spec import Spec

URL = "http://clients:8000/clients/upload/process/"


def document(*arguments: str) -> dict[str, Any]:
    return document_from_options(parse("run", arguments), "r1")


def refusal_of(*arguments: str) -> str:
    with pytest.raises(WrongUsageError) as wrong:
        document(*arguments)
    return wrong.value.message


def test_options_become_a_test_named_after_its_scenario_as_a_run_of_its_own() -> None:
    assert document("light", "--url", URL, "--parallelism", "2", "--threshold", "p95 < 2s") == {
        "apiVersion": "x-load-test.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "light"},
        "spec": {
            "target": {"url": URL},
            "scenario": "light",
            "parallelism": 2,
            "thresholds": ["p95 < 2s"],
            "runId": "r1",
            "stop": False,
        },
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("--batch-size", "5000", "--virtual-users", "3", "--duration", "90s", "--warm-up", "5s"),
        ("--header", "X-Tenant: north", "--require", "echoed", "--format", "xlsx", "--connections", "kept"),
        ("--batch-size", "10", "--stage", "30s:5", "--stage", "30s:0", "--abort", "error_rate<5%"),
        ("--batch-size", "10", "--duration", "1m", "--field", "tier=choice:gold|silver", "--drop", "phone"),
    ],
)
def test_a_word_means_what_it_means_to_loadgen(arguments: tuple[str, ...]) -> None:
    words = ("custom", "--url", URL, *arguments)
    if "--batch-size" not in arguments:
        words = (*words, "--batch-size", "100", "--duration", "1m")
    local_options: argparse.Namespace = command_parser().parse_args(["run", *words])

    spec = document(*words)["spec"]

    assert {**draft_of(local_options, {}, None).spec, "runId": "r1", "stop": False} == spec
    msgspec.convert(spec, Spec)


def test_secrets_are_named_in_place_of_files_and_variables() -> None:
    target = document(
        *("light", "--url", "https://clients/u/", "--token-secret", "api/key", "--auth-scheme", "Token"),
        *("--ca-secret", "authority", "--client-cert-secret", "client"),
    )["spec"]["target"]

    assert target["auth"] == {"scheme": "Token", "secretKeyRef": {"name": "api", "key": "key"}}
    assert target["tls"] == {
        "caSecretKeyRef": {"name": "authority"},
        "clientCertificateSecretRef": {"name": "client"},
    }
    keys = document(
        "light", "--url", URL, "--header-secret", "Load-Test-Token: guard", "--header-secret", "X-Key: api/key"
    )
    assert keys["spec"]["target"]["headersFrom"] == [
        {"name": "Load-Test-Token", "secretKeyRef": {"name": "guard"}},
        {"name": "X-Key", "secretKeyRef": {"name": "api", "key": "key"}},
    ]
    login = document("light", "--url", URL, "--login-url", "http://clients/in/", "--login-secret", "robot")
    assert login["spec"]["target"]["auth"] == {"login": {"url": "http://clients/in/", "secretRef": {"name": "robot"}}}


def test_a_manifest_keeps_its_metadata_and_fields_that_only_a_newer_cluster_knows(tmp_path: Path) -> None:
    path = tmp_path / "test.yaml"
    metadata = {"name": "mine", "namespace": "shop", "labels": {"team": "north"}}
    spec = {"target": {"url": URL}, "scenario": "light", "fieldOfTomorrow": 1, "runId": "old", "stop": True}
    manifest = {"apiVersion": "x-load-test.dev/v1alpha1", "kind": "LoadTest", "metadata": metadata, "spec": spec}
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")

    made = document("-f", str(path), "--threshold", "p95<1s", "--name", "other")

    assert made["metadata"] == {**metadata, "name": "other"}
    assert made["spec"] == {**spec, "thresholds": ["p95<1s"], "runId": "r1", "stop": False}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "error: name a scenario"),
        (("light",), "error: --url is missing"),
        (("light", "--url", "ftp://x/"), "error: --url"),
        (("light", "--url", URL, "--duration", "soon"), "error: --duration is 'soon'"),
        (("light", "--url", URL, "--parallelism", "many"), "error: --parallelism is 'many'"),
        (("light", "--url", URL, "--name", "No Good"), "error: --name is 'No Good'"),
        (("light", "--url", URL, "--login-url", "http://clients/in/"), "error: --login-url needs a Secret"),
        (("light", "--url", URL, "--header-secret", "X"), "error: --header-secret is 'X'; write NAME:SECRET[/KEY]"),
        (("light", "--url", URL, "--login-secret", "robot/key"), "error: --login-secret is 'robot/key'"),
        (("-f", "missing.yaml"), "error: -f missing.yaml cannot be read"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_that_were_typed(arguments: tuple[str, ...], message: str) -> None:
    assert refusal_of(*arguments).startswith(message)


def test_variables_that_steer_loadgen_do_not_steer_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", "http://elsewhere/")
    monkeypatch.setenv("DURATION", "1")

    assert refusal_of("light").startswith("error: --url is missing")
    assert "load" not in document("light", "--url", URL)["spec"]


@pytest.mark.parametrize("word", ["--token-file", "--ca-file", "--allow", "--samples"])
def test_what_only_a_laptop_has_is_no_option_here(word: str) -> None:
    with pytest.raises(WrongUsageError, match=f"unknown flag: {word}"):
        parse("run", ["light", "--url", URL, word, "x"])


def test_a_dry_run_prints_a_manifest_that_means_the_same_and_asks_no_cluster(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["light", "--url", URL, "--threshold", "p95<2s"]

    assert main(["run", *words, "--run-id", "r1", "--dry-run", "--server=https://127.0.0.1:1"]) == 0

    text = capsys.readouterr().out
    assert yaml.safe_load(text) == document(*words)
    path = tmp_path / "test.yaml"
    path.write_text(text, encoding="utf-8")
    assert document("-f", str(path)) == document(*words)
