"""What is wrong is refused when it is applied, with a message that names the field."""

from typing import Any

import pytest

from loadtest_model.report.status import NOT_LOOKED_AT
from localcluster.installation import REPOSITORY
from localcluster.rest import RestError, documents
from support.loadtests import Namespace
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
    assert made["status"] == {"observedGeneration": -1, "phase": "Queued", "message": NOT_LOOKED_AT}


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
