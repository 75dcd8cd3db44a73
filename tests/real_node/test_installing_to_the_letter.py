"""What README.md and docs/install.md say of installing, done word for word on a whole cluster without an operator."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtest_model.release import installed_version
from localcluster.choice import ClusterKind, cluster_of
from localcluster.installation import OPERATOR, OPERATOR_NAMESPACE, REPOSITORY, wait_until_available, wait_until_served
from localcluster.realnode.cluster import RealCluster
from localcluster.rest import Rest, wait_for
from peers.readers_of_status import kubectl
from support.loadtests import Namespace, make_namespace
from support.manifest_tools import program

IMAGE = f"registry.example/loadtest-operator:{installed_version()}"
LIGHT = {"scenario": "light", "load": {"duration": "10s"}, "parallelism": 1}
NAMESPACE = f"/api/v1/namespaces/{OPERATOR_NAMESPACE}"
CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/loadtests.x-load-test.dev"
COMMAND_SECONDS = 240.0


@pytest.fixture(scope="module")
def bare(on_a_real_node: None) -> Iterator[RealCluster]:
    """A cluster without an operator, whose node has the image that the documents name."""
    with cluster_of(ClusterKind.NODE, lambda text: print(text, file=sys.__stderr__)) as made:
        assert isinstance(made, RealCluster)
        made.tag_image("docker.io/library/loadtest-operator:dev", IMAGE)
        yield made


@pytest.fixture(scope="module")
def admin(bare: RealCluster) -> Rest:
    return Rest.from_kubeconfig(bare.kubeconfig)


@pytest.fixture(scope="module")
def shop(bare: RealCluster, admin: Rest) -> Namespace:
    """Where tests and their target live; it takes only restricted pods."""
    made = make_namespace(bare, admin, "shop")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    admin.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.name, "labels": labels}})
    made.deploy_slow()
    made.until_available("clients")
    return made


def commands(document: str, heading: str, beginning: str) -> str:
    """The one command in a section of a document that begins so, with the lines that continue it."""
    _, _, section = (REPOSITORY / document).read_text().partition(f"## {heading}\n")
    blocks = re.findall(r"```\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    (found,) = re.findall(rf"^{re.escape(beginning)}(?:.*\\\n)*.*$", "".join(blocks), re.MULTILINE)
    return str(found)


def run(command: str, kubeconfig: Path) -> str:
    folders = {str(Path(each).parent) for each in (program("helm"), str(kubectl()))}
    path = os.pathsep.join([*folders, os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", command],
        cwd=REPOSITORY,
        env={**os.environ, "KUBECONFIG": str(kubeconfig), "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def passes(admin: Rest, shop: Namespace, name: str) -> None:
    wait_until_served(admin)
    wait_until_available(admin, OPERATOR_NAMESPACE, OPERATOR)
    before = shop.ledger()
    status = shop.start(name, **LIGHT).until_completed()

    assert status["verdict"] == "Passed", status
    proof, summary = status["verification"], status["summary"]
    assert sum(shop.ledger()) - sum(before) == summary["records"]["confirmed"] + proof["rows"]
    assert shop.ledger(load_test=False) == []


def remove(admin: Rest) -> None:
    admin.delete(CRD)
    admin.delete(NAMESPACE)
    wait_for("everything to be gone", lambda: not admin.get_or_none(NAMESPACE) and not admin.get_or_none(CRD), 120)


def test_with_helm_as_the_readme_has_it(admin: Rest, shop: Namespace, bare: RealCluster) -> None:
    run(commands("README.md", "Install it into your cluster", "helm install"), bare.kubeconfig)
    passes(admin, shop, "by-helm")

    run(commands("docs/install.md", "Uninstalling", "helm uninstall"), bare.kubeconfig)
    remove(admin)


# helm takes over nothing that kubectl has made, so this comes before the ways without it.
def test_what_a_cluster_on_ones_own_machine_gets_once_it_has_the_images(admin: Rest, bare: RealCluster) -> None:
    page = (REPOSITORY / "docs" / "install.md").read_text()
    block = page.partition("Then, with either:\n\n```\n")[2].partition("```")[0]

    # The node has the images by the names that `make load-images` gives them.
    lines = block.splitlines()
    outputs = [run(line, bare.kubeconfig) for line in lines]

    assert [line.split()[:2] for line in lines[:2]] == [["helm", "install"], ["kubectl", "apply"]]
    assert re.search(r"demo .* Completed .* (Passed|Inconclusive) ", outputs[-1])
    run(commands("docs/install.md", "Uninstalling", "helm uninstall"), bare.kubeconfig)
    remove(admin)


def test_with_kubectl_alone_and_the_image_set_in_its_three_places(
    admin: Rest, shop: Namespace, bare: RealCluster, tmp_path: Path
) -> None:
    manifests = (REPOSITORY / "charts" / "install.yaml").read_text()
    changed = tmp_path / "install.yaml"
    changed.write_text(manifests.replace("loadtest-operator:dev", IMAGE))
    command = commands("docs/install.md", "With kubectl alone", "kubectl apply")

    run(command.replace("charts/install.yaml", str(changed)), bare.kubeconfig)

    assert manifests.count("loadtest-operator:dev") == 3
    passes(admin, shop, "by-kubectl")
    remove(admin)


def test_with_kustomize_and_the_overlay_of_the_examples(admin: Rest, shop: Namespace, bare: RealCluster) -> None:
    run(commands("docs/install.md", "With kustomize", "kubectl apply"), bare.kubeconfig)

    passes(admin, shop, "by-kustomize")
