"""helm and kustomize for tests: found or, the first time, built; and what they make of the chart."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from localcluster.go import find_go
from tools.committed_files import REPOSITORY
from tools.go_programs import HELM, KUSTOMIZE

CHARTS = REPOSITORY / "charts"
CHART = CHARTS / "loadtest-operator"
RELEASE = "loadtest-operator"
NAMESPACE = "loadtest-system"
GO_VERSION = "1.26.0"

Json = dict[str, Any]


@cache
def program(name: str) -> str:
    """Where helm or kustomize is."""
    tool = {"helm": HELM, "kustomize": KUSTOMIZE}[name]
    path = tool.find()
    if path is None:
        go = asyncio.run(find_go(GO_VERSION, lambda text: print(text, file=sys.__stderr__)))
        path = tool.find_or_build(str(go))
    return str(path)


def helm(*arguments: str, kubeconfig: Path | None = None, values: Mapping[str, Any] | None = None) -> str:
    """Run helm; `values` stand over those of the chart. Returns what it wrote.

    Raises AssertionError with what it complained of.
    """
    settings = [part for key, value in (values or {}).items() for part in ("--set-json", f"{key}={json.dumps(value)}")]
    environment = {**os.environ, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}
    process = subprocess.run(
        [program("helm"), *arguments, *settings],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    if process.returncode != 0:
        raise AssertionError(f"helm {arguments[0]}: {process.stdout}{process.stderr}")
    return process.stdout


def read_documents(text: str) -> list[Json]:
    """The documents of a YAML file, without empty ones."""
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def chart_objects(values: Mapping[str, Any] | None = None, namespace: str = NAMESPACE) -> list[Json]:
    """The objects that the chart makes."""
    return read_documents(_rendered_chart(json.dumps(values or {}), namespace))


@cache
def _rendered_chart(values: str, namespace: str) -> str:
    """What helm makes of the chart with these values, as JSON; many tests compare with the same."""
    return helm("template", RELEASE, str(CHART), "--namespace", namespace, values=json.loads(values))


def kustomization_objects(folder: Path) -> list[Json]:
    """The objects that a kustomization makes."""
    process = subprocess.run(
        [program("kustomize"), "build", str(folder)], check=True, capture_output=True, text=True, timeout=60
    )
    return [document for document in yaml.load_all(process.stdout, _Loader) if document]


class _Loader(yaml.CSafeLoader):
    """Reads 1e-06 as the number that it is in YAML 1.2, which kustomize writes and Kubernetes reads."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+e[-+][0-9]+$"), list("-+0123456789"))


def kinds(objects: list[Json]) -> set[str]:
    return {document["kind"] for document in objects}


def only_object(kind: str, objects: list[Json]) -> Json:
    (document,) = [candidate for candidate in objects if candidate["kind"] == kind]
    return document
