"""A manifest in the results is the test again, without what may be secret."""

import msgspec
import pytest
import yaml

from loadtest_model.report.manifest import MOST_CHARACTERS, manifest_text
from loadtest_model.secrecy import public_url, without_secrets
from loadtest_model.spec import API_VERSION, KIND, Spec
from loadtest_model.spec.validation import broken_rules
from support.builders import a_plan, a_spec
from support.generated_specs import specs

SECRET = "5ecret"


def test_a_manifest_holds_what_was_written_and_no_default() -> None:
    spec = a_spec(scenario="custom", load={"batchSize": 500, "duration": "90s"}, thresholds=["p95 < 3s"], parallelism=1)

    manifest = yaml.safe_load(manifest_text("heavy", spec))

    assert manifest == {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "heavy"},
        "spec": {
            "target": {"url": "http://clients.shop.svc:8000/clients/upload/process/"},
            "scenario": "custom",
            "load": {"batchSize": 500, "duration": "90s"},
            "thresholds": ["p95 < 3s"],
        },
    }


def valid_specs() -> list[Spec]:
    decoded_specs = []
    for document in specs():
        try:
            spec = msgspec.convert(document, Spec)
        except msgspec.ValidationError:
            continue
        if not broken_rules(spec):
            decoded_specs.append(spec)
    return decoded_specs


def test_every_spec_is_read_back_from_its_manifest_as_it_was_without_its_secrets() -> None:
    written_specs = valid_specs()
    assert len(written_specs) > 20

    for spec in written_specs:
        read_spec = yaml.safe_load(manifest_text("any", spec))["spec"]

        public_spec = msgspec.convert(without_secrets(spec), Spec)
        expected = msgspec.structs.replace(public_spec, stop=False, suspend=False)
        assert msgspec.convert(read_spec, Spec) == expected


def test_no_value_that_may_be_a_secret_is_in_a_manifest() -> None:
    read_back = {"url": f"http://c/n/?key={SECRET}", "countPath": "n", "headers": {"X-Key": SECRET}}
    spec = a_spec(
        target={
            "url": f"http://clients/u/?token={SECRET}&tenant={SECRET}",
            "headers": {"X-Api-Key": SECRET},
            "formFields": {"password": SECRET},
            "metricsUrl": f"http://clients/metrics?{SECRET}",
            "auth": {"login": {"url": f"http://clients/in/?a={SECRET}", "secretRef": {"name": "robot"}}},
        },
        verification={"readBack": read_back},
    )

    text = manifest_text("any", spec)

    assert SECRET not in text
    assert "X-Api-Key: '***'" in text
    assert "token=***&tenant=***" in text


def test_a_run_that_was_stopped_has_a_manifest_that_can_be_run() -> None:
    assert "stop" not in yaml.safe_load(manifest_text("any", a_spec(stop=True, suspend=True)))["spec"]


def test_a_manifest_that_is_too_long_says_that_it_was_cut() -> None:
    fields = [
        {"name": f"column {number}", "kind": "choice", "values": [f"{n:0200}" for n in range(40)]}
        for number in range(30)
    ]

    text = manifest_text("long", a_spec(records={"fields": {"add": fields}}))

    assert len(text) < MOST_CHARACTERS + 100
    assert text.splitlines()[-1].startswith("# ... the rest of the ")


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://a/u/", "http://a/u/"),
        ("http://a/u/?", "http://a/u/?"),
        ("http://a/?x=1&y=2&x=3", "http://a/?x=***&y=***&x=***"),
        ("http://a/?5ecret", "http://a/?***"),
        ("http://a/?client_id={client_id}", "http://a/?client_id=***"),
    ],
)
def test_a_url_tells_the_names_of_its_query_only(url: str, public: str) -> None:
    assert public_url(url) == public


def test_a_plan_tells_no_digest_of_a_token() -> None:
    plan = msgspec.structs.replace(a_plan(), command_digests={"halt": "abc"})

    assert "commandDigests" not in without_secrets(plan)
