"""The types that the prometheus-operator and Grafana publish for what they read, and the definitions of the former."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from peers.go_program import go_program, module_of
from peers.provided import run

_TYPES = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
_PLURALS = ("servicemonitors", "podmonitors", "prometheusrules")
_DEFINITIONS = "definitions"


def monitoring_types() -> Path:
    """Return a program that decodes a document strictly into the type of a kind; see go_program."""
    return go_program("monitoring", packages=330, finish=_generate_definitions)


def decoding_error(kind: str, document: str) -> str:
    """What is wrong with a document in the eyes of its consumer's types; empty if nothing is."""
    process = subprocess.run(
        [monitoring_types(), kind], input=document, capture_output=True, text=True, check=False, timeout=60
    )
    return process.stderr if process.returncode else ""


def monitoring_definitions() -> list[dict[str, Any]]:
    """The CustomResourceDefinitions of what a chart may hold, generated from the types as their own makefile does."""
    folder = monitoring_types().parent / _DEFINITIONS
    return [yaml.safe_load((folder / f"monitoring.coreos.com_{plural}.yaml").read_text()) for plural in _PLURALS]


def _generate_definitions(home: Path, environment: Mapping[str, str], news: Callable[[str], None]) -> None:
    arguments = ["crd:crdVersions=v1,maxDescLen=0", f"paths={_TYPES}", f"output:crd:dir={home / _DEFINITIONS}"]
    run(["go", "tool", "controller-gen", *arguments], module_of("monitoring"), environment, news)
