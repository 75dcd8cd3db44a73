"""docs/records.md: its examples are run, and nothing that a spec may say of records is left out."""

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from loadgen.cli.main import main
from loadgen.records import Composer, RecordSpace
from loadtest_model.plan import compile_plan
from loadtest_model.plan.columns import MOST_VARYING_FIELDS
from loadtest_model.records.columns import CLIENT_COLUMNS
from loadtest_model.spec import Identity, Spec
from loadtest_model.spec.fields import FIELD_KINDS, FIELD_PARAMETERS
from loadtest_model.spec.records import INVALID_KINDS, Dialect
from loadtest_model.spec.records_template import RecordsTemplate
from support.builders import URL
from support.record_plans import POOLS, content, format_of

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "records.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
MANIFESTS = [yaml.safe_load(text) for language, text in BLOCKS if language == "yaml"]
COMMANDS = [text for language, text in BLOCKS if language == "sh"]


def as_json(value: Any) -> Any:
    """A manifest's values as the API server reads them: dates are texts there."""
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat().replace("+00:00", "Z")
    return value


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_every_manifest_in_it_is_taken_and_composed(manifest: dict[str, Any]) -> None:
    part = as_json(manifest)
    document = {"scenario": "light", **part, "target": {"url": URL, **part.get("target", {})}}
    # A template is read by an operator; here an empty one stands for it.
    spec = RecordsTemplate().complete(msgspec.convert(document, Spec))
    records = compile_plan(spec, Identity(namespace="a", name="b", uid="c")).records

    composer = Composer(RecordSpace(1, 1), POOLS, format_of(records).rendering, records)

    assert content(composer.compose(100)).count(b"\n") >= 101


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_it_can_be_run(command: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    program, *arguments = shlex.split(command.replace("\\\n", " "))

    assert program == "loadgen"
    assert main(arguments) == 0
    sys.stdout.flush()
    assert capfdbinary.readouterr().out.count(b"\n") > 4


def test_the_sample_in_it_is_what_the_command_before_it_prints(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    (index,) = (index for index, (_, text) in enumerate(BLOCKS) if text == "loadgen sample --rows 4\n")

    main(["sample", "--rows", "4"])

    sys.stdout.flush()
    assert capfdbinary.readouterr().out.decode().replace("\r\n", "\n") == BLOCKS[index + 1][1]


def test_it_names_every_column_kind_parameter_and_field() -> None:
    dialect = [field.encode_name for field in msgspec.structs.fields(Dialect)]
    documented_names = set(re.findall(r"`([A-Za-z_]+)", PAGE))

    assert {column.name for column in CLIENT_COLUMNS} | {
        *FIELD_KINDS,
        *FIELD_PARAMETERS,
        *INVALID_KINDS,
        *dialect,
    } <= documented_names
    assert f"{MOST_VARYING_FIELDS} fields beside the client's own" in PAGE


def test_every_example_of_a_template_in_its_text_is_a_field_that_is_taken() -> None:
    (example,) = re.findall(r"`(\{name: phone, .*?\})`", PAGE)

    document = {"target": {"url": URL}, "scenario": "light", "records": {"fields": {"add": [yaml.safe_load(example)]}}}

    assert compile_plan(msgspec.convert(document, Spec), Identity(namespace="a", name="b", uid="c")).records.columns
