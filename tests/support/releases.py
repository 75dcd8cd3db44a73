"""Versions of a target as releases, each an image of its own, and the gates before them."""

import copy
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from localcluster.cluster import Cluster, default_images, local_cluster
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, TARGET_MANIFEST, wait_until_available
from localcluster.node.images import Image
from localcluster.rest import Json, Rest, documents
from support.loadtests import Namespace
from support.operators import install

EXAMPLES = Path(__file__).parents[2] / "examples"
GATE = EXAMPLES / "pipeline" / "gate.sh"
REPOSITORY = "registry.example/clients"
GOOD, BAD = "v1.4.0", "v1.5.0"
URL = "http://clients:8000/clients/upload/process/"
LOAD = {"batchSize": 200, "virtualUsers": 2, "duration": "4s"}
THRESHOLD = "p95 < 2s"
SPEC: Json = {
    "target": {"url": URL, "workload": {"kind": "Deployment", "name": "clients"}},
    "scenario": "custom",
    "load": LOAD,
    "thresholds": [THRESHOLD],
}
"""A test that the good version passes and the bad one fails."""

_SECONDS = {GOOD: "0.3", BAD: "3"}


@contextmanager
def cluster_with_releases() -> Iterator[Cluster]:
    """A cluster with the operator, in which the images of both versions and of the gate can be run."""
    if shutil.which("kubectl") is None:
        pytest.skip("the gate's image is this machine's kubectl, and there is none")
    images = default_images()
    with local_cluster(
        images={**images, **{image_of(tag): _image(images["django-target:dev"], tag) for tag in _SECONDS}}
    ) as cluster:
        rest = Rest.from_kubeconfig(cluster.kubeconfig)
        install(rest)
        wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
        yield cluster


def image_of(tag: str) -> str:
    return f"{REPOSITORY}:{tag}"


def _image(target: Image, tag: str) -> Image:
    """The image of a version. A version differs from another by its image alone."""
    variables = {
        "FAULT": "slow",
        "FAULT_SECONDS": _SECONDS[tag],
        "FAULT_LEDGER": "/var/lib/clients/ledger",
        "WEB_CONCURRENCY": "4",
        "PYTHONPATH": str(TARGET_MANIFEST.parents[2] / "tests" / "targets"),
    }
    return replace(target, env={**target.env, **variables})


def target_objects(tag: str) -> list[Json]:
    """The target in a version: its Service, and its Deployment."""
    objects = copy.deepcopy(list(documents(TARGET_MANIFEST)))
    for manifest in objects:
        if manifest["kind"] == "Deployment":
            (container,) = manifest["spec"]["template"]["spec"]["containers"]
            container["image"] = image_of(tag)
            container["command"] = [*container["command"][:-1], "faulty_target.wsgi"]
    return objects


def release(namespace: Namespace, tag: str) -> None:
    """Deploy a version of the target; do not wait for its rollout."""
    for manifest in target_objects(tag):
        namespace.rest.apply(manifest, namespace.name)


@dataclass(frozen=True)
class Ending:
    status: int
    stdout: str
    stderr: str


def shell(
    cluster: Cluster, namespace: str, folder: Path, *command: str, variables: dict[str, str] | None = None
) -> Ending:
    """Run a command of a pipeline to its end, in a folder, with a kubeconfig whose namespace is given."""
    kubeconfig = folder / f"{namespace}.kubeconfig"
    shutil.copy(cluster.kubeconfig, kubeconfig)
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), **(variables or {})}
    subprocess.run(
        ["kubectl", "config", "set-context", "--current", f"--namespace={namespace}"],
        env=environment,
        check=True,
        capture_output=True,
    )
    process = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=180
    )
    print(f"$ {' '.join(command)}\n{process.stderr}{process.stdout}[{process.returncode}]")
    return Ending(process.returncode, process.stdout, process.stderr)
