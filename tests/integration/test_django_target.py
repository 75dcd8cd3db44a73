"""The example target over real HTTP: what it stores, what it only pretends to store, and what it refuses."""

import io
import os
import re
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from openpyxl import Workbook

from client_files import COLUMNS, client, clients, csv_file, xlsx_file
from example_server import EXAMPLE, UPLOAD_PATH, Answer, ExampleServer, example_server

SECRET = "a secret of the tests with more than 32 bytes"
FileWriter = Callable[[Iterable[dict[str, str]]], bytes]
FORMATS = [pytest.param("clients.csv", csv_file, id="csv"), pytest.param("clients.xlsx", xlsx_file, id="xlsx")]
MODES = [pytest.param(True, id="load test"), pytest.param(False, id="normal")]


@pytest.fixture(scope="module", params=["rollback", "off"])
def target(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[ExampleServer]:
    """With the guard, as it is by default, and with the plain branch."""
    with example_server(tmp_path_factory.mktemp("target"), {"LOAD_TEST_GUARD": request.param}) as server:
        yield server


@pytest.fixture(scope="module")
def guarded_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    with example_server(tmp_path_factory.mktemp("guarded"), {"JWT_SECRET": SECRET}) as server:
        yield server


def stored(server: ExampleServer, client_id: str) -> dict[str, Any]:
    with closing(sqlite3.connect(server.database_path)) as connection:
        connection.row_factory = sqlite3.Row
        row = connection.execute("SELECT * FROM clients_client WHERE client_id = ?", (client_id,)).fetchone()
        return dict(row)


def bearer(seconds_left: float, secret: str = SECRET) -> dict[str, str]:
    token = jwt.encode({"exp": time.time() + seconds_left}, secret, "HS256")
    return {"Authorization": f"Bearer {token}"}


def assert_refused(answer: Answer, status: int, reason: str) -> None:
    assert (answer.status, answer.json["success"]) == (status, False)
    assert reason in str(answer.json)
    assert "load_test_mode" not in answer.json


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_an_upload_stores_every_row_with_its_values(target: ExampleServer, name: str, write: FileWriter) -> None:
    rows = clients(1200)
    before = target.count()

    answer = target.upload(write(rows), name=name)

    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.json["processed_count"] == 1200
    assert "load_test_mode" not in answer.json
    assert target.count() == before + 1200
    row = stored(target, rows[700]["client_id"])
    expected = {**rows[700], "balance": -1234.5}
    assert {column: row[column] for column in COLUMNS[:-2]} == {c: expected[c] for c in COLUMNS[:-2]}
    assert row["created_at"] == row["updated_at"] == "2024-05-06 07:08:09"


@pytest.mark.parametrize(("name", "write"), FORMATS)
def test_a_load_test_upload_is_counted_but_not_stored(target: ExampleServer, name: str, write: FileWriter) -> None:
    rows = clients(1200)
    before = target.count()

    answer = target.upload(write(rows), name=name, load_test=True)

    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.json["load_test_mode"] is True
    assert answer.json["processed_count"] == 1200
    assert target.count() == before
    assert target.count(rows[0]["client_id"]) == 0


@pytest.mark.parametrize(("name", "write"), FORMATS)
@pytest.mark.parametrize("load_test", MODES)
def test_a_file_with_only_its_header_row_is_processed_with_no_rows(
    target: ExampleServer, name: str, write: FileWriter, load_test: bool
) -> None:
    answer = target.upload(write([]), name=name, load_test=load_test)

    assert answer.status == 200
    assert answer.json["success"] is True
    assert answer.json["processed_count"] == 0
    assert answer.json.get("load_test_mode", False) is load_test


def test_the_nonce_of_a_load_test_request_comes_back(target: ExampleServer) -> None:
    content = csv_file(clients(1))

    with_nonce = target.upload(content, load_test=True, headers={"X-Load-Test-Nonce": "5f3a"})
    without_nonce = target.upload(content, load_test=True)

    assert with_nonce.json["load_test_nonce"] == "5f3a"
    assert "load_test_nonce" not in without_nonce.json


@pytest.mark.parametrize(
    ("target", "status", "stored_rows"), [("off", 200, 1), ("rollback", 403, 0)], indirect=["target"]
)
def test_only_the_value_true_makes_a_load_test(target: ExampleServer, status: int, stored_rows: int) -> None:
    """The guard refuses another value, because a test that was meant would be stored."""
    rows = clients(1)

    answer = target.upload(csv_file(rows), headers={"X-Load-Test": "1"})

    assert answer.status == status
    assert "load_test_mode" not in answer.json
    assert target.count(rows[0]["client_id"]) == stored_rows


@pytest.mark.parametrize("load_test", MODES)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_id", ""),
        ("first_name", ""),
        ("last_name", "x" * 101),
        ("email", "nobody.example.com"),
        ("email", "no body@example.com"),
        ("city", "nul\0l"),
        ("province", "XX"),
        ("postal_code", "12345"),
        ("date_of_birth", "1980-02-30"),
        ("date_of_birth", "2999-01-01"),
        ("language", "de"),
        ("status", "gone"),
        ("balance", "12,50"),
        ("balance", "NaN"),
        ("balance", "1.005"),
        ("balance", "10000000000"),
        ("created_at", "yesterday"),
    ],
)
def test_a_bad_value_refuses_the_whole_file_and_names_row_and_column(
    target: ExampleServer, field: str, value: str, load_test: bool
) -> None:
    rows = [client(), client(**{field: value}), client()]
    before = target.count()

    answer = target.upload(csv_file(rows), load_test=load_test)

    assert_refused(answer, 400, "1 rows are not valid")
    [error] = answer.json["errors"]
    assert (error["row"], error["field"]) == (3, field)
    assert target.count() == before


def test_of_many_bad_rows_all_are_counted_and_the_first_twenty_shown(target: ExampleServer) -> None:
    answer = target.upload(csv_file(client(email="none") for _ in range(50)))

    assert_refused(answer, 400, "50 rows are not valid")
    assert [error["row"] for error in answer.json["errors"]] == list(range(2, 22))


def test_a_row_with_too_few_values_is_refused(target: ExampleServer) -> None:
    answer = target.upload(csv_file(clients(1)) + b"C1,Anne,Roy\r\n")

    assert_refused(answer, 400, "has 3 values, the header row has 15")


def spreadsheet(*rows: list[Any]) -> bytes:
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    for row in rows:
        sheet.append(row)
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()


def zip_archive(names: Iterable[str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "<not")
    return content.getvalue()


def with_a_word_as_number(workbook: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(content, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"<v>4711</v>", b"<v>many</v>"))
    return content.getvalue()


def with_a_damaged_sheet(workbook: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        sheet = archive.getinfo("xl/worksheets/sheet1.xml")
    start = sheet.header_offset + 30 + len(sheet.filename)
    return workbook[:start] + b"\xff" * 64 + workbook[start + 64 :]


@pytest.mark.parametrize("load_test", MODES)
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("clients.pdf", b"%PDF-1.7", "neither CSV nor XLSX"),
        ("clients.xlsx", csv_file(clients(1)), "not an XLSX file"),
        ("clients.xlsx", xlsx_file(clients(50))[:3000], "not an XLSX file"),
        ("clients.xlsx", with_a_damaged_sheet(xlsx_file(clients(50))), "not an XLSX file"),
        ("clients.xlsx", with_a_word_as_number(spreadsheet([*COLUMNS], [4711])), "not an XLSX file"),
        ("clients.xlsx", zip_archive(["readme.txt"]), "not an XLSX file"),
        ("clients.xlsx", zip_archive(["[Content_Types].xml"]), "not an XLSX file"),
        ("clients.csv", "client_id,Prénom".encode("cp1252"), "not a CSV file in UTF-8"),
        ("clients.csv", b"", "the header row lacks client_id"),
        ("clients.csv", csv_file(clients(1)).replace(b"email", b"mail", 1), "the header row lacks email"),
    ],
    ids=[
        "other format",
        "CSV named XLSX",
        "torn XLSX",
        "damaged XLSX",
        "a word as number",
        "other ZIP",
        "no XML in it",
        "not UTF-8",
        "empty",
        "column missing",
    ],
)
def test_a_file_that_is_no_table_of_clients_is_refused(
    target: ExampleServer, name: str, content: bytes, reason: str, load_test: bool
) -> None:
    answer = target.upload(content, name=name, load_test=load_test)

    assert_refused(answer, 400, reason)


@pytest.mark.parametrize("load_test", MODES)
def test_a_form_without_the_file_field_is_refused(target: ExampleServer, load_test: bool) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    marker = {"X-Load-Test": "true"} if load_test else {}

    answer = target.request("POST", UPLOAD_PATH, b"other=1", {**headers, **marker})

    assert_refused(answer, 400, "no file in the form field 'file'")


def test_without_an_extension_the_content_type_names_the_format(target: ExampleServer) -> None:
    xlsx_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    as_csv = target.upload(csv_file(clients(2)), name="blob", content_type="text/csv", load_test=True)
    as_xlsx = target.upload(xlsx_file(clients(3)), name="blob", content_type=xlsx_type, load_test=True)

    assert as_csv.json["processed_count"] == 2
    assert as_xlsx.json["processed_count"] == 3


def test_a_sheet_may_have_dates_numbers_empty_rows_and_rows_without_their_last_cells(
    target: ExampleServer,
) -> None:
    filled, short = client(), client()
    names = ["client_id", "first_name", "last_name", "email", "date_of_birth", "balance", "created_at", "city"]
    start = [[row[name] for name in names[:4]] for row in (filled, short)]
    cells = [date(1980, 12, 31), 12.5, datetime(2024, 5, 6, 7, 8, 9), "Lévis"]  # noqa: DTZ001 - Excel knows no zones

    answer = target.upload(spreadsheet(names, [*start[0], *cells], [], start[1], [None]), name="a.xlsx")

    assert answer.json["processed_count"] == 2
    kept = stored(target, filled["client_id"])
    assert (kept["date_of_birth"], kept["balance"]) == ("1980-12-31", 12.5)
    assert (kept["created_at"], kept["city"]) == ("2024-05-06 07:08:09", "Lévis")
    assert stored(target, short["client_id"])["city"] == ""


def test_absent_columns_take_their_defaults_and_unknown_ones_are_ignored(target: ExampleServer) -> None:
    row = {**client(), "shoe_size": "42"}

    answer = target.upload(csv_file([row], ("email", "shoe_size", "last_name", "first_name", "client_id")))

    assert answer.json["processed_count"] == 1
    kept = stored(target, row["client_id"])
    assert (kept["email"], kept["language"], kept["status"]) == (row["email"], "en", "active")
    assert (kept["city"], kept["date_of_birth"], kept["balance"]) == ("", None, 0)


@pytest.mark.parametrize("field", ["client_id", "email"])
def test_a_client_that_is_stored_already_refuses_the_whole_file(target: ExampleServer, field: str) -> None:
    known = client()
    target.upload(csv_file([known]))
    before = target.count()

    answer = target.upload(csv_file([*clients(600), client(**{field: known[field]})]))

    assert_refused(answer, 409, "stored already")
    assert target.count() == before


@pytest.mark.parametrize("load_test", MODES)
@pytest.mark.parametrize("field", ["client_id", "email"])
def test_a_client_that_occurs_twice_in_a_file_is_refused(target: ExampleServer, field: str, load_test: bool) -> None:
    first = client()

    answer = target.upload(csv_file([first, client(**{field: first[field]})]), load_test=load_test)

    assert_refused(answer, 400, "occurs twice")
    assert answer.json["errors"][0]["row"] == 3


def test_a_file_of_ten_thousand_rows_above_the_memory_limit_passes(target: ExampleServer) -> None:
    content = csv_file(client(address="1 Rue " + "x" * 180) for _ in range(10_000))
    assert len(content) > 2_621_440

    answer = target.upload(content, load_test=True)

    assert answer.json["processed_count"] == 10_000


def test_every_upload_is_one_line_in_the_log(target: ExampleServer) -> None:
    already = len(target.log_path.read_text())

    target.upload(csv_file(clients(7)), load_test=True)
    target.upload(csv_file(clients(5)))
    target.upload(csv_file([client(email="none")]), load_test=True)

    lines = re.findall(r"INFO (upload .*)", target.log_path.read_text()[already:])
    assert lines == [
        "upload load_test=true rows=7 status=200",
        "upload load_test=false rows=5 status=200",
        "upload load_test=true rows=0 status=400",
    ]


@pytest.mark.parametrize(
    ("host", "status"),
    [("clients.shop.svc:8000", 200), ("clients.shop.svc.cluster.local", 200), ("shop.example.com", 400)],
)
def test_the_host_header_may_be_the_full_name_of_a_service_and_no_other(
    target: ExampleServer, host: str, status: int
) -> None:
    answer = target.upload(csv_file(clients(1)), load_test=True, headers={"Host": host})

    assert answer.status == status


def test_an_upload_must_be_a_post(target: ExampleServer) -> None:
    assert target.request("GET", UPLOAD_PATH).status == 405


def test_with_a_secret_uploads_and_counts_need_a_valid_token(guarded_target: ExampleServer) -> None:
    content = csv_file(clients(3))
    valid = bearer(60)

    answers = [
        guarded_target.upload(content, load_test=True, headers=valid),
        guarded_target.upload(content, headers=valid),
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert guarded_target.count(headers=valid) == 3
    assert guarded_target.request("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "token_missing"),
        ({"Authorization": "Token abc"}, "token_missing"),
        ({"Authorization": "Bearer abc"}, "token_invalid"),
        (bearer(60, SECRET[::-1]), "token_invalid"),
        ({"Authorization": f"Bearer {jwt.encode({}, SECRET, 'HS256')}"}, "token_invalid"),
        (bearer(-60), "token_expired"),
    ],
    ids=["none", "other scheme", "no token", "other secret", "no expiry", "expired"],
)
@pytest.mark.parametrize("load_test", MODES)
def test_without_a_valid_token_the_answer_is_401_and_says_why(
    guarded_target: ExampleServer, headers: dict[str, str], code: str, load_test: bool
) -> None:
    upload = guarded_target.upload(csv_file(clients(1)), load_test=load_test, headers=headers)
    count = guarded_target.request("GET", "/clients/count/", headers=headers)

    for answer in (upload, count):
        assert_refused(answer, 401, code)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_401_reaches_a_client_that_is_still_sending(guarded_target: ExampleServer) -> None:
    answer = guarded_target.upload(b"x" * 20_000_000, load_test=True, headers=bearer(-60))

    assert answer.json["code"] == "token_expired"


def test_the_migrations_are_those_of_the_models(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "SQLITE_PATH": str(tmp_path / "db.sqlite3")}

    for command in (["makemigrations", "--check", "--dry-run"], ["check", "--fail-level", "WARNING"]):
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=EXAMPLE,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_one_variable_chooses_postgresql(tmp_path: Path) -> None:
    url = "postgresql://sh%40p:p%2Fw@db.example.com:5433/clients?sslmode=require"
    program = "from django.conf import settings; print(settings.DATABASES['default'])"
    environment = {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"}

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=True
    )

    database = eval(done.stdout)
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("sh@p", "p/w")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.com", "5433", "clients")
    assert database["OPTIONS"] == {"sslmode": "require"}
