"""What a script for another tool can send of the records that a manifest describes."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from loadgen.cli.main import main
from loadgen.exporting.bounds import NotExportableError
from loadgen.exporting.pool import POOL_ROWS, script_rows
from loadgen.exporting.script import script_facts
from loadtest_model.plan import Plan, ReadBackPlan, SecretPlace
from loadtest_model.plan.thresholds import AbortPlan
from support.loadgen_plans import make_plan

READ_BACK = ReadBackPlan(
    url="http://127.0.0.1:9/count",
    count_path="count",
    control_client_id=None,
    control_url=None,
    headers={},
    sends_token=False,
    settle_seconds=5.0,
    timeout_seconds=30.0,
)


def plan(expect: str = "sent", **records: Any) -> Plan:
    return make_plan("http://127.0.0.1:9/", target={"response": {"expectCount": expect}}, records=records)


def added_field(**field: Any) -> dict[str, Any]:
    return {"fields": {"add": [{"name": "x", **field}]}}


def test_a_script_has_the_columns_of_the_manifest_in_its_dialect() -> None:
    fields = {"rename": {"client_id": "id"}, "drop": ["balance"], **added_field(kind="constant", value="a,b")["fields"]}

    header, rows = script_rows(plan(fields=fields, dialect={"delimiter": ";", "lineEnd": "LF"}, locale="fr_CA"))

    assert header.startswith("id;first_name;")
    assert header.endswith(";updated_at;x\n")
    assert len(rows) == POOL_ROWS
    assert all(row[-1].endswith(";a,b\n") for row in rows)
    assert all(row[1] == "id" for row in rows)


@pytest.mark.parametrize(
    ("records", "name"),
    [
        ({"contact": "reserved"}, "spec.records.contact: reserved"),
        ({"invalid": {"share": 0.1}}, "spec.records.invalid"),
        ({"expect": "any"}, "spec.target.response.expectCount"),
        ({"dialect": {"encoding": "cp1252"}}, "spec.records.dialect.encoding"),
        ({"fields": {"drop": ["client_id"]}}, "spec.records.fields without client_id"),
        (added_field(kind="unique", width=8), "spec.records.fields of kind unique"),
        (
            added_field(kind="pattern", pattern="##", unique=True),
            "spec.records.fields of kind pattern with unique: true",
        ),
        (added_field(kind="constant", value="a\nb"), "a line break in a field"),
    ],
)
def test_what_a_script_has_no_words_for_is_refused_by_its_name(records: dict[str, Any], name: str) -> None:
    with pytest.raises(NotExportableError, match=name):
        script_facts(plan(**records))


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"abort": AbortPlan(thresholds=("p95 < 20s",), after_seconds=30.0)}, "spec.abort"),
        ({"read_back": READ_BACK}, "spec.verification.readBack"),
    ],
)
def test_what_ends_or_fails_a_test_early_is_never_left_out_in_silence(part: dict[str, Any], name: str) -> None:
    with pytest.raises(NotExportableError, match=name):
        script_facts(structs.replace(plan(), **part))


def test_traces_are_refused_by_their_name() -> None:
    traced_plan = plan()
    traced_plan = structs.replace(traced_plan, target=structs.replace(traced_plan.target, trace_sample_ratio=0.1))

    with pytest.raises(NotExportableError, match=r"spec\.target\.tracing cannot be exported"):
        script_facts(traced_plan)


def test_a_header_from_a_secret_is_refused_by_its_name() -> None:
    header_plan = plan()
    headers = {"Load-Test-Token": SecretPlace(variable="GUARD")}
    header_plan = structs.replace(header_plan, target=structs.replace(header_plan.target, secret_headers=headers))

    with pytest.raises(NotExportableError, match=r"spec\.target\.headersFrom cannot be exported"):
        script_facts(header_plan)


def test_the_token_is_given_to_k6_where_no_list_of_processes_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest, script = tmp_path / "light.yaml", tmp_path / "light.js"
    manifest.write_text(
        "{apiVersion: x-load-test.dev/v1alpha1, kind: LoadTest, metadata: {name: light},"
        " spec: {scenario: light, target: {url: 'http://127.0.0.1:9/'}}}"
    )

    assert main(["export", "k6", "-f", str(manifest), "--to", str(script)]) == 0

    assert f"AUTH_TOKEN=... k6 run {script}" in capsys.readouterr().err
    assert "-e AUTH_TOKEN" not in script.read_text()
