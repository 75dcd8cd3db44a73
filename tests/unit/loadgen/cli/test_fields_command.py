"""`loadgen fields`, and --fields with what it writes."""

import csv
import io
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from openpyxl import Workbook, load_workbook

from loadgen.cli.main import main

THEIRS = "SKU;Plan;Price;In stock\n" + "".join(
    f"SKU-{number:05};{('free', 'free', 'premium')[number % 3]};{number / 4:.2f};{('yes', 'no')[number % 2]}\n"
    for number in range(120)
)


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    path = tmp_path / "theirs.csv"
    path.write_text(THEIRS)
    return path


def written(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    sys.stdout.flush()
    document: dict[str, Any] = yaml.safe_load(capfd.readouterr().out)
    return document


def test_the_fields_of_a_file_make_files_like_it(theirs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = theirs.with_name("fields.yaml")

    assert main(["fields", "--from-csv", str(theirs), "--choices", "Plan", "--out", str(out)]) == 0
    assert main(["sample", "--fields", str(out), "--rows", "50", "--format", "csv"]) == 0

    sys.stdout.flush()
    header, *rows = csv.reader(io.StringIO(capfd.readouterr().out), delimiter=";")
    assert header == ["SKU", "Plan", "Price", "In stock"]
    assert len({row[0] for row in rows}) == 50
    assert {row[1] for row in rows} == {"free", "premium"}
    assert all(0 <= float(row[2]) < 30 for row in rows)
    assert {row[3] for row in rows} == {"yes", "no"}


@pytest.mark.parametrize("choices", [[], ["--choices", "none"], ["--choices", "In stock"]])
def test_nothing_of_the_file_is_written_that_was_not_confirmed(
    theirs: Path, choices: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["fields", "--from-csv", str(theirs), *choices]) == 0

    text = capfd.readouterr().out
    assert "premium" not in text
    assert "SKU-" not in text
    assert "3 choices" in text or "2 choices" in text


def test_all_confirms_every_choice_and_every_fixed_character(theirs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    main(["fields", "--from-csv", str(theirs), "--choices", "all"])

    added = {field["name"]: field for field in written(capfd)["records"]["fields"]["add"]}
    assert added["Plan"]["values"] == ["free", "premium"]
    assert added["SKU"]["pattern"] == "SKU-00###"


def test_a_terminal_is_asked(theirs: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal("n\ny\n"))
    monkeypatch.setattr(sys, "stderr", screen)

    assert main(["fields", "--from-csv", str(theirs)]) == 0

    added = {field["name"]: field for field in written(capfd)["records"]["fields"]["add"]}
    assert added["SKU"]["pattern"] == "???-#####"
    assert added["Plan"]["values"] == ["free", "premium"]
    assert "Plan: 2 choices: free (67 %), premium (33 %)" in screen.getvalue()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--choices", "Plam"], "--choices names 'Plam', which is no column of the file"),
        (["--rows", "0"], "--rows is 0"),
        (["--from-csv", "missing.csv"], "cannot be read: No such file"),
    ],
)
def test_what_cannot_be_done_is_said_by_name(
    theirs: Path, arguments: list[str], problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    source = [] if "--from-csv" in arguments else ["--from-csv", str(theirs)]

    assert main(["fields", *source, *arguments]) == 64

    assert problem in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("fields: {}", "must hold `records:` alone"),
        ("records: {seed: 1}", "may have nothing in `records:` but fields and dialect"),
        ("records: [", "is not YAML"),
        ("records: {fields: {only: [sku]}}", "--fields"),
    ],
)
def test_a_file_that_is_no_fields_file_is_refused(
    tmp_path: Path, text: str, problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "fields.yaml").write_text(text)

    assert main(["sample", "--fields", str(tmp_path / "fields.yaml")]) == 64

    assert problem in capfd.readouterr().err


def test_more_columns_than_a_test_can_add_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "wide.csv").write_text(",".join(f"x{n}" for n in range(40)) + "\n" + ",".join("7" * 40) + "\n")

    assert main(["fields", "--from-csv", str(tmp_path / "wide.csv")]) == 64

    assert "40 columns that no client column fills; at most 32" in capfd.readouterr().err


MANIFEST = """
apiVersion: x-load-test.dev/v1alpha1
kind: LoadTest
metadata: {name: products}
spec:
  target: {url: "http://127.0.0.1:8000/"}
  scenario: light
  records: {seed: 7, template: {name: products}}
"""


def test_the_file_of_fields_stands_for_the_configmap_that_a_manifest_names(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loadtest.yaml").write_text(MANIFEST)
    (tmp_path / "fields.yaml").write_text("records: {fields: {only: [email], rename: {email: mail}}}")
    sample = ["sample", "-f", str(tmp_path / "loadtest.yaml"), "--rows", "2", "--format", "csv"]

    assert main(sample) == 64
    assert "spec.records.template names a ConfigMap, which only a cluster reads" in capfd.readouterr().err
    assert main([*sample, "--fields", str(tmp_path / "fields.yaml")]) == 0

    sys.stdout.flush()
    assert capfd.readouterr().out.splitlines()[0] == "mail"


def test_options_add_to_the_file_of_fields(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fields.yaml").write_text("records: {fields: {only: [email], rename: {email: mail}}}")
    fields = ["--fields", str(tmp_path / "fields.yaml")]

    assert main(["sample", "--rows", "1", *fields, "--only", "city", "--field", "vip=boolean:yes|no"]) == 0

    sys.stdout.flush()
    assert capfd.readouterr().out.splitlines()[0] == "city,vip"


def test_a_sheet_with_real_dates_makes_sheets_with_real_dates(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    theirs, fields, ours = (tmp_path / name for name in ("theirs.xlsx", "fields.yaml", "ours.xlsx"))
    workbook = Workbook()
    workbook.active.append(["code", "booked", "paid", "amount"])
    for number in range(60):
        workbook.active.append([f"T{number:04}", datetime(2024, 1 + number % 9, 3), number % 3 == 0, number / 4])  # noqa: DTZ001
    workbook.save(theirs)

    assert main(["fields", "--from-xlsx", str(theirs), "--out", str(fields)]) == 0
    sample = ["sample", "--fields", str(fields), "--rows", "40", "--format", "xlsx", "--out", str(ours)]
    assert main(sample) == 0

    header, *rows = load_workbook(ours).active.iter_rows(values_only=True)
    assert header == ("code", "booked", "paid", "amount")
    assert {tuple(type(cell) for cell in row) for row in rows} <= {(str, datetime, bool, kind) for kind in (int, float)}
    assert len({row[0] for row in rows}) == 40
    assert capfd.readouterr().err == ""
