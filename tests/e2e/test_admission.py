"""What is wrong is refused when it is applied, with a message that names the field."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from loadtest_model.report.status import NO_OPERATOR_MESSAGE
from loadtest_model.spec import Spec
from loadtest_model.spec.validation import broken_rules
from localcluster.installation import REPOSITORY
from localcluster.rest import RestError, documents
from support.generated_specs import specs, unreadable_specs
from support.loadtests import PATH, Namespace
from support.wrong_manifests import WRONG


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_manifest_is_refused_with_the_field_named(namespace: Namespace, case: str) -> None:
    spec, named = WRONG[case]
    manifest = {**namespace.manifest("wrong"), "spec": spec}

    with pytest.raises(RestError) as refused:
        namespace.apply(manifest)

    assert refused.value.status in (400, 422, 500)
    assert named in str(refused.value)


@pytest.mark.parametrize("scenario", ["light", "medium", "heavy", "stress", "demo"])
def test_the_examples_apply_cleanly(namespace: Namespace, scenario: str) -> None:
    (manifest,) = documents(REPOSITORY / "examples" / f"loadtest-{scenario}.yaml")
    path = f"{namespace.rest.path_of(manifest, namespace.name)}"

    made = namespace.rest.call(
        "PATCH",
        path,
        manifest,
        content_type="application/apply-patch+yaml",
        query={"fieldManager": "test", "fieldValidation": "Strict", "dryRun": "All"},
    )

    assert made["spec"]["target"]["fileField"] == "file"
    assert made["spec"]["load"].get("thinkTime") == "0s"
    assert made["status"] == {"observedGeneration": -1, "phase": "Queued", "message": NO_OPERATOR_MESSAGE}


IMMUTABLE: dict[str, dict[str, Any]] = {
    "the target": {"target": {"url": "http://other:8000/"}},
    "the load": {"load": {"batchSize": 9}},
    "the run id before the end": {"runId": "2"},
    "the parallelism": {"parallelism": 1},
}


@pytest.mark.parametrize("case", IMMUTABLE)
def test_a_spec_cannot_be_changed_before_the_test_has_completed(namespace: Namespace, case: str) -> None:
    test = namespace.start(f"fixed-{list(IMMUTABLE).index(case)}", suspend=True)

    with pytest.raises(RestError) as refused:
        test.patch(**IMMUTABLE[case])

    assert f"spec.{next(iter(IMMUTABLE[case]))}" in str(refused.value)
    namespace.rest.delete(test.path)


def test_stop_and_suspend_can_be_changed_at_any_time(namespace: Namespace) -> None:
    test = namespace.start("changeable", suspend=True)

    test.patch(stop=True)

    assert test.get()["spec"]["stop"] is True
    namespace.rest.delete(test.path)


def test_a_new_run_of_a_test_that_is_still_stopped_is_refused_with_a_hint(namespace: Namespace) -> None:
    test = namespace.start("stopped-before", stop=True)
    assert test.until_completed()["reasonClass"] == "Prevented"

    with pytest.raises(RestError) as refused:
        test.patch(runId="v1.2.3")

    assert "set spec.stop to false together with the new spec.runId" in str(refused.value)
    test.patch(runId="v1.2.3", stop=False, suspend=True)
    assert test.get()["spec"]["runId"] == "v1.2.3"
    namespace.rest.delete(test.path)


@pytest.mark.parametrize(
    "fields",
    [
        {"load": {"arrivalRate": 2, "arrivals": "poisson", "maxLateness": "5s", "virtualUsers": 9}},
        {"load": {"stages": [{"duration": "0s", "arrivalRate": 0.5}, {"duration": "1m", "arrivalRate": 3}]}},
        {"load": {"records": 1_000_000, "gracefulStop": "120s"}},
        {"load": {"stages": [{"duration": "1m", "arrivalRate": 3}], "virtualUsers": 4}, "parallelism": 4},
        {"thresholds": ["light.service_p95 < 1.5s", "dropped <= 0"], "abort": {"thresholds": ["error_rate < 20%"]}},
    ],
    ids=["arrivals", "stages of rates", "records", "stages with a limit", "bounds"],
)
def test_what_a_load_may_say_is_taken(namespace: Namespace, fields: dict[str, Any]) -> None:
    target = {"url": "http://clients:8000/clients/upload/process/"}
    manifest = {**namespace.manifest("right"), "spec": {"target": target, "scenario": "light", **fields}}

    made = namespace.rest.call(
        "PATCH",
        f"{namespace.rest.path_of(manifest, namespace.name)}",
        manifest,
        content_type="application/apply-patch+yaml",
        query={"fieldManager": "test", "fieldValidation": "Strict", "dryRun": "All"},
    )

    assert made["spec"]["scenario"] == "light"


def refusal_of(namespace: Namespace, spec: dict[str, Any]) -> list[str] | None:
    """What the API server has against a spec, a line for each fault; None where the schema lets it pass.

    What the installation does not allow, such as a host, is refused later, and for another reason.
    """
    path = f"{PATH.format(namespace=namespace.name)}?dryRun=All&fieldValidation=Strict"
    status, answer = namespace.rest.ask(
        "POST", path, json.dumps({**namespace.manifest("asked"), "spec": spec}).encode()
    )
    refused = json.loads(answer)
    if status < 300 or refused["reason"] == "Forbidden":
        return None
    return [cause["message"] for cause in refused.get("details", {}).get("causes", [])] or [refused["message"]]


def test_the_api_server_refuses_just_what_the_predicates_refuse_with_the_same_messages(namespace: Namespace) -> None:
    asked = list(specs())
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda spec: refusal_of(namespace, spec), asked))

    different = []
    for spec, causes in zip(asked, answers, strict=True):
        expected = sorted(refused.rule.message for refused in broken_rules(msgspec.convert(spec, Spec)))
        told = sorted(next((rule for rule in expected if cause.endswith(rule)), cause) for cause in causes or ())
        if told != expected:
            different.append((spec, expected, told))

    assert different == []
    assert answers.count(None) > 20


def test_the_resources_that_a_spec_may_have_are_those_that_a_job_may_have(namespace: Namespace) -> None:
    asked = [spec for spec in specs() if "resources" in spec.get("pod", {})]
    taken = [spec["pod"]["resources"] for spec in asked if not _resource_faults(spec)]

    answers = [(resources, _job_refusal(namespace, resources)) for resources in (*taken, *UNUSUAL)]

    assert [answer for answer in answers if answer[1]] == []
    assert len(asked) > len(taken) > 8


UNUSUAL = (
    {"limits": {"cpu": "100n", "memory": "1e30"}},
    {"limits": {"cpu": "5.", "memory": ".5Gi"}, "requests": {"cpu": 0}},
    {"limits": {"a.b-c.example/x_Y.z": 0}},
)


def _resource_faults(spec: dict[str, Any]) -> list[str]:
    texts = [fault.message for fault in broken_rules(msgspec.convert(spec, Spec))]
    return [text for text in texts if "spec.pod.resources" in text]


def _job_refusal(namespace: Namespace, resources: dict[str, Any]) -> str:
    """What the API server has against a Job whose container has these resources; empty if it takes it."""
    container = {"name": "c", "image": "i", "resources": resources}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "resources", "namespace": namespace.name},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
    }
    path = f"/apis/batch/v1/namespaces/{namespace.name}/jobs?dryRun=All"
    status, answer = namespace.rest.ask("POST", path, json.dumps(job).encode())
    return "" if status < 300 else json.loads(answer)["message"]


def test_the_api_server_refuses_what_is_of_a_wrong_type_or_out_of_bounds(namespace: Namespace) -> None:
    asked = list(unreadable_specs())
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda spec: refusal_of(namespace, spec), asked))

    assert [spec for spec, causes in zip(asked, answers, strict=True) if causes is None] == []


def test_null_counts_as_nothing(namespace: Namespace) -> None:
    target = {"url": "http://clients/", "fileField": None, "headers": {"X-A": None}}

    assert refusal_of(namespace, {"target": target, "scenario": "light", "load": None, "abort": None}) is None
