"""Each recipe of examples/ lets a good version through and blocks a bad one, run as far as it can be run here."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua54 import LuaRuntime

from localcluster.cluster import Cluster
from localcluster.rest import Json, Rest, wait_for
from peers.readers_of_status import flux as flux_program
from support.loadtests import PATH, Namespace, make_namespace
from support.manifest_tools import helm, kustomization_objects
from support.releases import BAD, EXAMPLES, GOOD, SPEC, cluster_with_releases, image_of, release, shell, target_objects

pytestmark = pytest.mark.process_node("the images of the releases are entries of its table")
TEST: Json = {"apiVersion": "x-load-test.dev/v1alpha1", "kind": "LoadTest", "metadata": {"name": "before-release"}}
END_SECONDS = 150.0


@dataclass(frozen=True)
class Shop:
    """A namespace with a version that is deployed, and a copy of the examples whose test is short."""

    namespace: Namespace
    tag: str
    examples: Path

    @property
    def rest(self) -> Rest:
        return self.namespace.rest

    def status(self) -> Json:
        """The status of the test; empty before its first run."""
        test = self.rest.get_or_none(f"{PATH.format(namespace=self.namespace.name)}/{TEST['metadata']['name']}")
        return test["status"] if test else {}

    def run_id(self) -> str | None:
        return self.status().get("runId")

    def read(self, path: str) -> Any:
        return yaml.safe_load((self.examples / path).read_text(encoding="utf-8"))

    def shell(self, script: str, **variables: str) -> int:
        """Run the script of a step in a checkout that has gate and test in load-test/."""
        folder = self.examples.parent
        command = ("sh", "-e", "-c", script)
        return shell(self.namespace.cluster, self.namespace.name, folder, *command, variables=variables).status

    def apply_gate(self) -> None:
        """What `kubectl apply -k examples/pipeline` applies."""
        for manifest in kustomization_objects(self.examples / "pipeline"):
            self.apply(manifest)

    def apply(self, manifest: Json) -> None:
        for subject in manifest.get("subjects", ()):
            subject["namespace"] = self.namespace.name
        manifest["metadata"].pop("namespace", None)
        self.rest.apply(manifest, self.namespace.name)

    def run_job(self, name: str, spec: Json) -> bool:
        """Run a Job to its end, and say whether it is complete."""
        metadata = {"name": name}
        self.apply({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
        path = f"/apis/batch/v1/namespaces/{self.namespace.name}/jobs/{name}"

        def ends() -> set[str]:
            conditions = self.rest.call("GET", path).get("status", {}).get("conditions", [])
            return {each["type"] for each in conditions if each["status"] == "True"} & {"Complete", "Failed"}

        try:
            return wait_for(f"Job {name} to end", ends, END_SECONDS) == {"Complete"}
        finally:
            pods = self.rest.items(f"/api/v1/namespaces/{self.namespace.name}/pods", f"job-name={name}")
            for pod in pods:
                print(self.namespace.cluster.logs(self.namespace.name, pod["metadata"]["name"]))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with cluster_with_releases() as new_cluster:
        yield new_cluster


@pytest.fixture(scope="module")
def rest(cluster: Cluster) -> Rest:
    return Rest.from_kubeconfig(cluster.kubeconfig)


@pytest.fixture(scope="module", params=[GOOD, BAD])
def shop(
    cluster: Cluster, rest: Rest, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Shop:
    namespace = make_namespace(cluster, rest, "shop")
    release(namespace, GOOD)
    namespace.until_available("clients")
    examples = tmp_path_factory.mktemp("checkout") / "examples"
    shutil.copytree(EXAMPLES, examples, ignore=shutil.ignore_patterns("__pycache__", "django_target"))
    test = yaml.safe_dump({**TEST, "spec": SPEC})
    (examples / "pipeline" / "load-test.yaml").write_text(test, encoding="utf-8")
    shutil.copytree(examples / "pipeline", examples.parent / "load-test")
    release(namespace, request.param)
    namespace.until_rolled_out("clients")
    return Shop(namespace, request.param, examples)


def github_actions(shop: Shop) -> bool:
    # The workflow itself deploys the version, over one that passed.
    release(shop.namespace, GOOD)
    workflow = shop.read("pipeline/github-actions.yml")
    folder = shop.examples.parent
    variables = {
        "GITHUB_REF_NAME": shop.tag,
        "GITHUB_RUN_ID": "16215713",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_ENV": str(folder / "github-env"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "RUNNER_TEMP": str(folder),
        "IMAGE": workflow["env"]["IMAGE"].replace("${{ github.ref_name }}", shop.tag),
        "STAGING_KUBECONFIG": shop.namespace.cluster.kubeconfig.read_text(encoding="utf-8"),
    }
    scripts = [step["run"] for step in workflow["jobs"]["staging"]["steps"] if "run" in step]
    # The context of the secret has the namespace, which this one gets afterwards.
    assert shop.shell(scripts[0], **variables) == 0
    assert (folder / "github-env").read_text() == f"KUBECONFIG={folder}/kubeconfig\n"
    assert (folder / "kubeconfig").stat().st_mode & 0o077 == 0
    statuses = [shop.shell(script, **variables) for script in scripts[1:]]
    assert statuses[0] == 0
    assert (folder / "summary.md").read_text().startswith("## Load test before-release: ")
    assert list((folder / "results").glob(f"*_{shop.tag}-16215713-1_report.html"))
    return statuses[-1] == 0


def gitlab_ci(shop: Shop) -> bool:
    release(shop.namespace, GOOD)
    pipeline = shop.read("pipeline/gitlab-ci.yml")
    context = yaml.safe_load(shop.namespace.cluster.kubeconfig.read_text(encoding="utf-8"))["current-context"]
    variables = {"CI_COMMIT_TAG": shop.tag, "CI_JOB_ID": "77", "IMAGE": image_of(shop.tag), "KUBE_CONTEXT": context}
    statuses = [
        shop.shell("\n".join(pipeline[job]["script"]), **variables) for job in ("deploy-to-staging", "load-test")
    ]
    reports = shop.examples.parent.glob(pipeline["load-test"]["artifacts"]["reports"]["junit"])
    assert [each.name for each in reports if f"_{shop.tag}-77_" in each.name]
    assert statuses[0] == 0
    return statuses[1] == 0


def jenkins(shop: Shop) -> bool:
    release(shop.namespace, GOOD)
    text = (shop.examples / "pipeline" / "Jenkinsfile").read_text(encoding="utf-8")
    # In a Groovy string of three quotes a backslash escapes.
    scripts = [script.replace("\\\\", "\\") for script in re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)]
    statuses = [shop.shell(script, IMAGE=image_of(shop.tag), BUILD_NUMBER="12") for script in scripts[:2]]
    assert [each.name for each in shop.examples.parent.glob("results/*_junit.xml") if f"_{shop.tag}-12_" in each.name]
    return statuses == [0, 0]


def tekton(shop: Shop) -> bool:
    task = shop.read("pipeline/tekton.yaml")
    shop.apply_gate()
    parameters = {each["name"]: each.get("default") for each in task["spec"]["params"]} | {"image": image_of(shop.tag)}
    text = yaml.safe_dump(task["spec"]["steps"][0]).replace("$(workspaces.results.path)", "/tmp/results")
    for name, value in parameters.items():
        text = text.replace(f"$(params.{name})", value)
    step = yaml.safe_load(text)
    step["command"] = ["sh", "-c", step.pop("script")]
    return shop.run_job("tekton", _job_spec([step], task["spec"]["volumes"]))


def cron_job(shop: Shop) -> bool:
    for manifest in kustomization_objects(shop.examples / "schedule"):
        shop.apply(manifest)
    path = f"/apis/batch/v1/namespaces/{shop.namespace.name}/cronjobs/load-test-gate"
    return shop.run_job("by-schedule", shop.rest.call("GET", path)["spec"]["jobTemplate"]["spec"])


def argo_cd(shop: Shop) -> bool:
    production = shop.examples / "argocd" / "production" / "kustomization.yaml"
    production.write_text(production.read_text().replace(GOOD, shop.tag))
    hooks = [
        each for each in kustomization_objects(production.parent) if each["metadata"]["namespace"] == "shop-staging"
    ]
    assert {each["metadata"]["annotations"]["argocd.argoproj.io/hook"] for each in hooks} == {"PreSync"}
    hooks.sort(key=lambda each: int(each["metadata"]["annotations"].get("argocd.argoproj.io/sync-wave", 0)))
    *others, job = hooks
    assert job["kind"] == "Job"
    for each in others:
        shop.apply(each)
    return shop.run_job("argo-cd", job["spec"])


def helm_test(shop: Shop) -> bool:
    namespace = make_namespace(shop.namespace.cluster, shop.rest, "helm")
    chart = shop.examples / "helm-test"
    text = yaml.safe_dump_all(target_objects(GOOD))
    text = text.replace(image_of(GOOD), "{{ .Values.image.repository }}:{{ .Values.image.tag }}")
    (chart / "templates" / "deployment.yaml").write_text(text, encoding="utf-8")
    kubeconfig, where = shop.namespace.cluster.kubeconfig, ("--namespace", namespace.name)
    values = {"image.tag": shop.tag, "loadTest": SPEC}
    helm("install", "shop", str(chart), *where, kubeconfig=kubeconfig, values=values)
    try:
        helm("test", "shop", *where, "--timeout=100s", kubeconfig=kubeconfig)
    except AssertionError as error:
        print(error)
        is_passed = False
    else:
        is_passed = True
    log = namespace.cluster.logs(namespace.name, "shop-load-test")
    assert ("\nPassed: " if is_passed else "\nFailed: threshold ") in log
    return is_passed


def argo_cd_hook(shop: Shop) -> bool:
    """The LoadTest as the hook, by the health check that belongs to it."""
    hook = shop.read("argocd/before-release.yaml")
    assert hook["metadata"]["annotations"]["argocd.argoproj.io/hook-delete-policy"] == "BeforeHookCreation"
    path = f"{PATH.format(namespace=shop.namespace.name)}/{hook['metadata']['name']}"
    shop.rest.delete(path)
    wait_for("the hook before to be gone", lambda: shop.rest.get_or_none(path) is None, 60)
    shop.apply({**hook, "spec": {**hook["spec"], **SPEC, "parallelism": 1}})
    check = (shop.examples / "argocd" / "health.lua").read_text(encoding="utf-8")
    waits = ("Progressing", "Suspended")

    def health() -> str:
        lua: Any = LuaRuntime(unpack_returned_tuples=True)
        lua.globals().obj = lua.table_from(shop.rest.call("GET", path), recursive=True)
        word = str(dict(lua.execute(check))["status"])
        return "" if word in waits else word

    return wait_for("the hook to be judged", health, END_SECONDS) == "Healthy"


def flux(shop: Shop) -> bool:
    """The Kustomization of the test, by what Flux itself makes of it; production depends on that one."""
    text = (shop.examples / "flux" / "load-test.yaml").read_text(encoding="utf-8").replace("${version}", shop.tag)
    test = yaml.safe_load(text)
    shop.apply({**test, "spec": {**test["spec"], **SPEC, "parallelism": 1}})
    path = f"{PATH.format(namespace=shop.namespace.name)}/{test['metadata']['name']}"
    kustomizations = yaml.safe_load_all((shop.examples / "flux" / "release.yaml").read_text(encoding="utf-8"))
    (judging,) = [each for each in kustomizations if each["metadata"]["name"] == "shop-load-test"]
    program = flux_program()

    def judgement() -> str:
        lines = "".join(json.dumps(each) + "\n" for each in (judging, shop.rest.call("GET", path)))
        word = subprocess.run([program], input=lines, capture_output=True, text=True, check=True).stdout.strip()
        return "" if word == "InProgress" else word

    return wait_for("Flux to judge the test", judgement, END_SECONDS) == "Current"


def argo_rollouts(shop: Shop) -> bool:
    shop.apply_gate()
    template = shop.read("canary/argo-rollouts.yaml")
    (metric,) = template["spec"]["metrics"]
    text = yaml.safe_dump(metric["provider"]["job"]["spec"]).replace("{{args.version}}", "687d76d795")
    return shop.run_job("argo-rollouts", yaml.safe_load(text))


def flagger(shop: Shop) -> bool:
    shop.apply_gate()
    (webhook,) = shop.read("canary/flagger.yaml")["spec"]["analysis"]["webhooks"]
    container = {
        "name": "load-tester",
        "image": "alpine/kubectl:1.34.1",
        "command": ["bash", "-c", webhook["metadata"]["cmd"]],
    }
    return shop.run_job("flagger", _job_spec([container], []))


def _job_spec(containers: list[Json], volumes: list[Json]) -> Json:
    pod = {
        "serviceAccountName": "load-test-gate",
        "restartPolicy": "Never",
        "containers": containers,
        "volumes": volumes,
    }
    return {"backoffLimit": 0, "template": {"spec": pod}}


RECIPES: list[Callable[[Shop], bool]] = [
    github_actions, gitlab_ci, jenkins, tekton, cron_job, argo_cd, argo_rollouts, flagger, flux, argo_cd_hook, helm_test
]  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.__name__)
def test_a_recipe_lets_a_good_version_through_and_blocks_a_bad_one(shop: Shop, recipe: Callable[[Shop], bool]) -> None:
    earlier = shop.run_id()

    assert recipe(shop) == (shop.tag == GOOD)

    if recipe is not helm_test:
        # It was blocked by a verdict about a run of its own, and not by a mishap of the recipe.
        assert shop.run_id() != earlier
        status = shop.status()
        assert (status["verdict"], status["reasonClass"]) == ({GOOD: "Passed", BAD: "Failed"}[shop.tag], "Load")
