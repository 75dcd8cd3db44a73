"""The chart and the manifest that is rendered from it."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

CHARTS = Path(__file__).resolve().parents[2] / "charts"


def _render_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("render", CHARTS / "render.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


render = _render_module()
HELM: str | None = render.helm()
needs_helm = pytest.mark.skipif(HELM is None, reason="no helm of the right version; `make generate` builds one")


def installed() -> list[dict[str, Any]]:
    return [made for made in yaml.safe_load_all((CHARTS / "install.yaml").read_text()) if made]


def one(kind: str, made: list[dict[str, Any]], name: str = "") -> dict[str, Any]:
    """The document of a kind, and of a name where there are several."""
    (found,) = [each for each in made if each["kind"] == kind and name in ("", each["metadata"]["name"])]
    return found


def rules_of(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in document["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_the_committed_manifest_is_what_the_chart_gives() -> None:
    assert render.check() == 0


def test_a_changed_manifest_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = tmp_path / "install.yaml"
    changed.write_text((CHARTS / "install.yaml").read_text().replace("replicas: 1", "replicas: 2"))
    monkeypatch.setattr(render, "FILE", changed)

    assert render.check() == 1


def test_the_operator_may_read_no_secret_but_its_own() -> None:
    everywhere = rules_of(one("ClusterRole", installed(), "loadtest-operator"))
    own = one("Role", installed())

    assert not any(resource == "secrets" for _, resource, _ in everywhere)
    assert not any("*" in rule for rule in everywhere)
    reading = [rule for rule in own["rules"] if "get" in rule["verbs"]]
    assert [rule["resourceNames"] for rule in reading] == [["loadtest-operator-command-key"]]
    assert not any({"list", "watch"} & set(rule["verbs"]) for rule in own["rules"])


def test_the_crd_outlives_the_release() -> None:
    annotations = one("CustomResourceDefinition", installed())["metadata"]["annotations"]

    assert annotations == {"helm.sh/resource-policy": "keep"}


def test_the_crd_is_the_generated_one() -> None:
    made = one("CustomResourceDefinition", installed())
    generated = yaml.safe_load((CHARTS.parent / "crds" / "loadtests.yaml").read_text())

    assert made["spec"] == generated["spec"]


def test_the_operators_pod_meets_the_restricted_standard() -> None:
    pod = one("Deployment", installed())["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert one("Namespace", installed())["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def rendered(*values: str) -> list[dict[str, Any]]:
    assert HELM is not None
    settings = [part for value in values for part in ("--set-json", value)]
    done = subprocess.run(
        [HELM, "template", "loadtest-operator", str(render.CHART), "--namespace", "loadtest-system", *settings],
        check=True,
        capture_output=True,
        text=True,
    )
    return [made for made in yaml.safe_load_all(done.stdout) if made]


@needs_helm
def test_helm_finds_nothing_wrong_with_the_chart() -> None:
    assert HELM is not None
    done = subprocess.run([HELM, "lint", "--strict", str(render.CHART)], check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


@needs_helm
def test_watching_some_namespaces_needs_no_cluster_role() -> None:
    without = 'admission={"secretAccess":"installed-by-admin"}'
    made = rendered('watch.namespaces=["shop","other"]', without)

    assert not [document for document in made if document["kind"].startswith("ClusterRole")]
    roles = [document for document in made if document["kind"] == "Role"]
    assert {role["metadata"]["namespace"] for role in roles} == {"shop", "other", "loadtest-system"}
    variables = one("Deployment", made)["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "LOADTEST_WATCH_NAMESPACES", "value": "shop,other"} in variables


@needs_helm
@pytest.mark.parametrize(
    ("value", "absent"),
    [
        ("crds.install=false", "CustomResourceDefinition"),
        ("admission.secretAccess=false", "ValidatingAdmissionPolicy/loadtest-operator-secret-access"),
        ("admission.secretAccess=false", "ClusterRole/loadtest-operator-secret-access-reader"),
        ('admission.secretAccess="installed-by-admin"', "ValidatingAdmissionPolicy/loadtest-operator-secret-access"),
        ("admission.targets=false", "ValidatingAdmissionPolicy/loadtest-operator-targets"),
    ],
)
def test_a_part_can_be_left_out(value: str, absent: str) -> None:
    def parts(*values: str) -> set[str]:
        made = rendered(*values)
        return {part for each in made for part in (each["kind"], f"{each['kind']}/{each['metadata']['name']}")}

    assert absent in parts()
    assert absent not in parts(value)


@needs_helm
def test_no_policy_is_left_where_all_are_left_out() -> None:
    made = rendered('admission={"secretAccess":false,"targets":false}')

    assert not [each for each in made if each["kind"].startswith("ValidatingAdmission")]


@needs_helm
@pytest.mark.parametrize(
    "value",
    ['image={"tag":""}', 'policy.denied=["everything"]', "deadlines.linger=0", "metrics.port=80", "unknown=1"],
)
def test_values_that_make_no_sense_are_refused(value: str) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        rendered(value)
