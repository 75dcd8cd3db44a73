"""The documents name every key and column of the results, and every command in them is one that loadgen takes."""

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from loadgen.cli.main import OPTION, command_parser
from loadgen.local.files import RunResult
from loadgen.local.samples import SAMPLE_COLUMNS
from loadtest_model.load.scenarios import PRESETS
from loadtest_model.report.summary import StepSummary, Summary
from loadtest_model.report.time_series import TIME_SERIES_COLUMNS

DOCS = Path(__file__).resolve().parents[3] / "docs"
GUIDES = (
    "../README.md",
    "quick-start.md",
    "your-own-service.md",
    "pipelines.md",
    "generator.md",
    "results.md",
    "records.md",
    "coming-from-scripts.md",
    "troubleshooting.md",
    "capacity.md",
)
RESULTS = (DOCS / "results.md").read_text()


def commands_in(name: str) -> list[str]:
    """The `loadgen` command lines in the code blocks of a document, those that go over several lines as one."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", (DOCS / name).read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    matches = [re.search(r"(?:^|[$:=] |\w=\S+ )(loadgen (?:run|verify|sample|export)\b.*)$", line) for line in lines]
    return [match[1] for match in matches if match]


def test_every_key_of_the_summary_is_documented() -> None:
    documented_names = set(re.findall(r"`([a-z_0-9]+)`", RESULTS))

    for kind in (Summary, StepSummary, RunResult):
        assert {field.encode_name for field in msgspec.structs.fields(kind)} <= documented_names
    for field in msgspec.structs.fields(Summary):
        below = msgspec.inspect.type_info(field.type)
        if isinstance(below, msgspec.inspect.StructType):
            assert {each.encode_name for each in below.fields} <= documented_names


@pytest.mark.parametrize("column", [*TIME_SERIES_COLUMNS, *SAMPLE_COLUMNS])
def test_every_column_is_documented(column: str) -> None:
    assert f"`{column}`" in RESULTS


@pytest.mark.parametrize("name", GUIDES)
def test_every_command_in_a_guide_is_taken(name: str) -> None:
    for line in commands_in(name):
        words = shlex.split(line, comments=True)
        end = next((number for number, word in enumerate(words) if word in ("&&", "||", "|", ">", ";")), len(words))

        assert command_parser().parse_args(words[1:end]).command == words[1]


def test_the_guides_have_commands_and_name_every_scenario_and_option() -> None:
    guide = (DOCS / "generator.md").read_text()
    options = OPTION.findall(command_parser().parse_args(["run"]).parser.format_help())

    assert len(commands_in("generator.md")) > 10
    assert {f"`{name}`" for name in PRESETS} <= set(re.findall(r"`[a-z]+`", guide))
    assert "--url" in options
    assert [option for option in options if option not in guide] == []
