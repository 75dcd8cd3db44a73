"""Which services `make cluster TARGET=...` takes, and what the cluster then allows."""

import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from loadtest_model.spec import Spec
from localcluster import installation
from localcluster.__main__ import directions
from localcluster.choice import ClusterKind
from localcluster.own_target import OwnTarget
from localcluster.supervisor_process import ClusterError

TARGETS = ("ConfigMap", installation.TARGETS)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://127.0.0.1:8000/upload/", "127.0.0.1", 8000),
        ("http://localhost/upload/", "localhost", 80),
        ("https://127.4.5.6/upload/", "127.4.5.6", 443),
        ("http://[::1]:8000/", "::1", 8000),
    ],
)
def test_a_service_of_this_machine_is_taken(url: str, host: str, port: int) -> None:
    target = OwnTarget.parse(url, ClusterKind.LOCAL)

    assert (target.url, target.host, target.port) == (url, host, port)


@pytest.mark.parametrize(
    ("url", "kind", "complaint"),
    [
        ("http://10.0.0.1:8000/upload/", ClusterKind.LOCAL, "is not on this machine"),
        ("http://api.example.com/upload/", ClusterKind.LOCAL, "is not on this machine"),
        ("http://0.0.0.0:8000/upload/", ClusterKind.LOCAL, "is not on this machine"),
        ("127.0.0.1:8000/upload/", ClusterKind.LOCAL, "is no URL"),
        ("http://127.0.0.1:eighty/", ClusterKind.LOCAL, "is no URL"),
        ("http://127.0.0.1:8000/upload/", ClusterKind.NODE, "needs CLUSTER=local"),
        ("http://127.0.0.1:8000/upload/", ClusterKind.CURRENT, "needs CLUSTER=local"),
    ],
)
def test_any_other_is_refused_with_the_reason(url: str, kind: ClusterKind, complaint: str) -> None:
    with pytest.raises(ClusterError, match=complaint):
        OwnTarget.parse(url, kind)


def test_the_manifest_that_is_written_is_a_test_of_the_service(tmp_path: Path) -> None:
    target = OwnTarget.parse("http://127.0.0.1:8000/upload/", ClusterKind.LOCAL)

    document = yaml.safe_load(target.write_manifest(tmp_path).read_text())

    assert msgspec.convert(document["spec"], Spec).target.url == target.url


def test_whether_something_listens_is_looked_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = OwnTarget.parse(f"http://127.0.0.1:{server.getsockname()[1]}/", ClusterKind.LOCAL)
        assert target.is_listening()
    assert not target.is_listening()


def test_its_host_is_allowed_beside_the_services_of_the_cluster_and_no_other() -> None:
    class Applied:
        documents: list[Any] = []

        def apply(self, document: Any, _namespace: str) -> None:
            self.documents.append(document)

    rest = Applied()
    installation.install_operator(rest, hosts=["127.0.0.1"])  # type: ignore[arg-type]

    (targets,) = [each for each in rest.documents if (each["kind"], each["metadata"]["name"]) == TARGETS]
    assert targets["data"]["targets"].split() == ["cluster-services", "127.0.0.1"]


def test_a_cluster_with_a_target_of_ones_own_says_that_ones_own_manifest_will_do(tmp_path: Path) -> None:
    url = "http://127.0.0.1:8000/upload/"
    manifest = OwnTarget.parse(url, ClusterKind.LOCAL).write_manifest(tmp_path)

    text = directions(tmp_path / "kubeconfig", manifest, url)

    assert f"kubectl apply -f {manifest}    # or your own manifest with the URL {url}\n" in text
    # The plugin of kubectl is one of the checkout's programs.
    assert "export PATH=$PWD/.venv/bin:$PATH" in text
    assert f"kubectl loadtest describe {yaml.safe_load(manifest.read_text())['metadata']['name']}\n" in text
    assert "your own" not in directions(tmp_path / "kubeconfig", Path("examples/loadtest-demo.yaml"), None)
