"""`loadgen sample`, and the options about records that it has in common with `loadgen run`."""

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from loadgen.cli.main import command_parser, main
from loadgen.local.planning import local_test_of
from loadgen.options.errors import UsageError
from loadgen.options.records_options import add_records_options, field_of, record_settings
from loadtest_model.records.columns import CLIENT_COLUMNS
from support.local_runs import in_terminal

MANIFEST = """\
apiVersion: x-load-test.dev/v1alpha1
kind: LoadTest
metadata: {name: clients}
spec:
  target: {url: "http://example.com/", format: %s}
  scenario: light
  records:
    seed: 5
    fields:
      drop: [balance]
      rename: {client_id: id}
      add:
        - {name: joined, kind: date, earliest: 2024-01-01, latest: 2024-12-31}
"""


def manifest(folder: Path, file_format: str = "csv") -> Path:
    path = folder / "clients.yaml"
    path.write_text(MANIFEST % file_format)
    return path


def sample_rows(capfdbinary: pytest.CaptureFixture[bytes], *arguments: object) -> list[list[str]]:
    assert main(["sample", *map(str, arguments)]) == 0
    sys.stdout.flush()
    return list(csv.reader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))


def refusal_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["sample", *map(str, arguments)]) == 64
    return capsys.readouterr().err


def test_a_sample_is_a_file_of_twenty_records_unless_said_otherwise(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    header, *rows = sample_rows(capfdbinary)

    assert header == [column.name for column in CLIENT_COLUMNS]
    assert len(rows) == 20
    assert len(sample_rows(capfdbinary, "--rows", 3)) == 4


def test_a_seed_decides_the_people(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    first_rows, same_rows, other_rows = (sample_rows(capfdbinary, "--seed", seed) for seed in (1, 1, 2))

    assert first_rows == same_rows != other_rows


def test_a_manifests_records_are_shown_and_options_add_to_them(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    field_options = ("--field", "loyalty=unique:prefix=L,width=6", "--drop", "city", "--rename", "email=mail")

    header, *rows = sample_rows(
        capfdbinary, "-f", manifest(tmp_path), "--rows", 2, *field_options, "--order", "loyalty,mail"
    )

    assert header[:3] == ["loyalty", "mail", "id"]
    assert header[-1] == "joined"
    assert not {"balance", "city", "client_id", "email"} & set(header)
    assert all(row[-1].startswith("2024-") for row in rows)


def test_a_sample_has_the_manifests_format_and_goes_where_it_is_wanted(tmp_path: Path) -> None:
    out = tmp_path / "clients.xlsx"

    assert main(["sample", "-f", str(manifest(tmp_path, "xlsx")), "--rows", "3", "--out", str(out)]) == 0

    assert load_workbook(out).worksheets[0].max_row == 4


def test_a_sample_is_written_in_the_dialect(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    options = ["--delimiter", "tab", "--quoting", "all", "--bom", "--line-end", "LF", "--date-format", "%d/%m/%Y"]

    assert main(["sample", "--rows", "2", *options]) == 0

    sys.stdout.flush()
    content = capfdbinary.readouterr().out
    assert content.startswith(b'\xef\xbb\xbf"client_id"\t"first_name"\t')
    assert (content.count(b"\n"), content.count(b"\r")) == (3, 0)


async def test_a_wide_terminal_shows_a_table() -> None:
    with in_terminal("sample", "--rows", 4, "--drop", "address", columns=250) as terminal:
        assert await terminal.exit_status() == 0

    header, *rows = [line.rstrip() for line in terminal.plain.splitlines()]
    assert "," not in header
    assert len(rows) == 4
    assert {row.index("@") > header.index("email") for row in rows} == {True}
    assert {row[header.index("phone") :][:3] for row in rows} == {"+1-"}


@pytest.mark.parametrize(("columns", "side_by_side"), [(80, 1), (130, 2)])
async def test_a_terminal_that_is_too_narrow_shows_a_line_for_each_field(columns: int, side_by_side: int) -> None:
    with in_terminal("sample", "--rows", 4, columns=columns) as terminal:
        assert await terminal.exit_status() == 0

    lines = [line.rstrip() for line in terminal.plain.splitlines()]
    assert max(map(len, lines)) <= columns
    assert [line.split(" ")[0] for line in lines[: len(CLIENT_COLUMNS)]] == [column.name for column in CLIENT_COLUMNS]
    emails = [line.count("@") for line in lines if line.startswith("email")]
    assert emails == [side_by_side] * (4 // side_by_side)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--rows", "-1"], "--rows is -1"),
        (["--rows", "many"], "--rows is 'many'"),
        (["--field", "x"], "--field: 'x' cannot be read; write NAME=KIND:..."),
        (["--field", "x=uniqe:3"], "did you mean unique?"),
        (["--field", "x=unique:wdth=3"], "did you mean width?"),
        (["--field", "x=unique:width=wide"], "width is 'wide'; write a number"),
        (["--field", "x=integer:5"], "'5' is no range"),
        (["--field", "x=faker:compny"], "--field[0].provider is 'compny', which is no provider; did you mean company"),
        (["--field", "x=faker:text,max_nb_chars=many"], "--field: provider text of Faker does not take"),
        (["--drop", "balanc"], "--drop names 'balanc', which is no client column; did you mean balance?"),
        (["--rename", "city"], "--rename: 'city' cannot be read; write NAME=NEW"),
        (["--invalid", "some"], "--invalid is 'some'"),
        (["--invalid", "0.1:bad_mail"], "--invalid[0] is 'bad_mail'; did you mean bad_email"),
        (["--delimiter", "x"], "--delimiter"),
        (["--format", "xlsx", "--bom"], "--bom is True, but --format is xlsx"),
        (["--out", "/nowhere/x.csv"], "--out /nowhere/x.csv cannot be written"),
    ],
)
def test_what_is_wrong_with_an_option_is_told_by_its_name(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refusal_of(capsys, *arguments)

    assert message.startswith("loadgen sample: ")
    assert problem in message


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a=unique:L,width=8", {"kind": "unique", "prefix": "L", "width": 8}),
        ("a=unique:width=8,characters=digits", {"kind": "unique", "width": 8, "characters": "digits"}),
        ("a=choice:x|y z,weights=1|3", {"kind": "choice", "values": ["x", "y z"], "weights": [1, 3]}),
        ("a=integer:-5..500,nullShare=0.1", {"kind": "integer", "min": -5, "max": 500, "nullShare": 0.1}),
        ("a=decimal:0.5..1,places=1", {"kind": "decimal", "min": 0.5, "max": 1, "places": 1}),
        ("a=date:2020-01-01..2020-12-31", {"kind": "date", "earliest": "2020-01-01", "latest": "2020-12-31"}),
        ("a=faker:text,max_nb_chars=40", {"kind": "faker", "provider": "text", "arguments": {"max_nb_chars": "40"}}),
        ("a=constant:b=c, d", {"kind": "constant", "value": "b=c, d"}),
        ("a=constant:b,nullShare=1", {"kind": "constant", "value": "b", "nullShare": 1}),
        ("a=template:{city}, {province}", {"kind": "template", "template": "{city}, {province}"}),
    ],
)
def test_a_column_is_described_in_a_word_or_two(text: str, field: dict[str, Any]) -> None:
    assert field_of(text) == {"name": "a", **field}


def test_options_that_are_not_given_set_nothing() -> None:
    parser = argparse.ArgumentParser()
    add_records_options(parser)

    assert list(record_settings(parser.parse_args([]), {})) == []


def test_what_targets_count_is_said_beside_the_rows_that_are_wrong() -> None:
    parser = argparse.ArgumentParser()
    add_records_options(parser)
    options = parser.parse_args(["--invalid", "0.05:bad_email,too_long", "--expect-count", "valid"])

    settings = {setting.path: setting.value for setting in record_settings(options, {})}

    assert settings == {
        "records.invalid": {"share": 0.05, "kinds": ["bad_email", "too_long"]},
        "target.response.expectCount": "valid",
    }


def test_a_field_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError):
        field_of("=constant:x")


def test_a_run_takes_the_same_options_and_adds_to_the_manifests_columns(tmp_path: Path) -> None:
    options = [
        "--field",
        "loyalty=unique:width=6",
        "--drop",
        "city",
        "--contact",
        "reserved",
        "--expect-count",
        "valid",
    ]
    run_options = command_parser().parse_args(["run", "-f", str(manifest(tmp_path)), "--invalid", "0.1", *options])

    plan = local_test_of(run_options, {}).plan

    names = [column.name for column in plan.records.columns]
    assert names[0] == "id"
    assert names[-2:] == ["joined", "loyalty"]
    assert not {"balance", "city"} & set(names)
    assert (plan.records.contact, plan.target.expect_count) == ("reserved", "valid")
    assert plan.records.invalid is not None
    assert plan.records.invalid.millionths == 100_000


def test_a_run_is_refused_for_a_value_that_faker_does_not_take(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["run", "light", "--url", "http://127.0.0.1:9/", "--field", "x=faker:text,max_nb_chars=many"])

    assert code == 64
    assert "--field: provider text of Faker does not take max_nb_chars='many'" in capsys.readouterr().err


def test_a_sample_knows_nothing_of_the_options_of_the_one_before(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    main(["sample", "--rows", "1", "--format", "xlsx", "--drop", "city", "--out", str(tmp_path / "clients.xlsx")])

    (header, _) = sample_rows(capfdbinary, "--rows", 1)

    assert "city" in header
