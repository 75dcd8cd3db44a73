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

from localcluster.build import find_go
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
    found = tool.find()
    if found is None:
        go = asyncio.run(find_go(GO_VERSION, lambda text: print(text, file=sys.__stderr__)))
        found = tool.find_or_build(str(go))
    return str(found)


def helm(*arguments: str, kubeconfig: Path | None = None, values: Mapping[str, Any] | None = None) -> str:
    """Run helm; `values` stand over those of the chart. Returns what it wrote.

    Raises AssertionError with what it complained of.
    """
    settings = [part for key, value in (values or {}).items() for part in ("--set-json", f"{key}={json.dumps(value)}")]
    environment = {**os.environ, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}
    done = subprocess.run(
        [program("helm"), *arguments, *settings],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    if done.returncode != 0:
        raise AssertionError(f"helm {arguments[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def rendered(values: Mapping[str, Any] | None = None, namespace: str = NAMESPACE) -> list[Json]:
    """The objects that the chart makes."""
    text = helm("template", RELEASE, str(CHART), "--namespace", namespace, values=values)
    return [made for made in yaml.safe_load_all(text) if made]


def customized(folder: Path) -> list[Json]:
    """The objects that a kustomization makes."""
    done = subprocess.run(
        [program("kustomize"), "build", str(folder)], check=True, capture_output=True, text=True, timeout=60
    )
    return [made for made in yaml.load_all(done.stdout, _Loader) if made]


class _Loader(yaml.SafeLoader):
    """Reads 1e-06 as the number that it is in YAML 1.2, which kustomize writes and Kubernetes reads."""


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+e[-+][0-9]+$"), list("-+0123456789"))


def kinds(made: list[Json]) -> set[str]:
    return {document["kind"] for document in made}


def one(kind: str, made: list[Json]) -> Json:
    (found,) = [document for document in made if document["kind"] == kind]
    return found
