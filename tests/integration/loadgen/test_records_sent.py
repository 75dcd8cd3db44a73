"""Records of every kind at a target: what it reads of them, what it counts, and what it refuses."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import load_workbook

from example_server import ExampleServer, example_server
from http_target import HttpTarget, ReceivedUpload, honouring_answer, running_target
from loadgen.http.endpoints import Endpoint
from loadgen.http.upload_progress import UploadProgress
from loadgen.upload.uploading import Upload, make_uploader
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.spec.records import INVALID_KINDS
from support.loadgen_plans import make_plan
from support.record_plans import composer_of, content, format_of, records_plan

DUPLICATES = {"invalid": {"share": 0.2, "kinds": ["duplicate_id"]}}
NOT_LOOKED_AT = {"bad_phone"}
"""The example takes any text as a phone."""


async def uploaded(target: HttpTarget, rows: int, *, expect: str, **records: Any) -> Upload:
    plan = make_plan(target.url, target={"response": {"expectCount": expect}}, records=records)
    uploader = make_uploader(plan, 0, lambda: "nonce", {})
    async with uploader.open_client(rows) as client:
        return await uploader.upload(client, Endpoint(target.host, target.port), rows, UploadProgress())


def counting_the_valid(received: ReceivedUpload) -> Any:
    """A target that passes over the rows whose id it has seen in the same file."""
    return honouring_answer(received, processed_count=len(set(received.client_ids)))


async def test_a_target_that_counts_the_valid_rows_is_right_where_that_is_expected_of_it() -> None:
    async with running_target(counting_the_valid) as target:
        upload = await uploaded(target, 5_000, expect="valid", **DUPLICATES)

    assert upload.error is None
    assert upload.judgement.records_confirmed == 4_000
    assert len(target.uploads[0].client_ids) == 5_000


async def test_a_target_that_counts_the_valid_rows_miscounts_where_all_are_expected() -> None:
    async with running_target(counting_the_valid) as target:
        upload = await uploaded(target, 5_000, expect="sent", **DUPLICATES)

    assert upload.error is ErrorKind.MISCOUNTED


async def test_where_the_count_does_not_matter_a_target_may_count_as_it_likes() -> None:
    async with running_target(lambda received: honouring_answer(received, processed_count=None)) as target:
        upload = await uploaded(target, 100, expect="any", **DUPLICATES)

    assert upload.error is None
    assert upload.judgement.records_confirmed == 0


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleServer]:
    with example_server(tmp_path_factory.mktemp("target")) as server:
        yield server


@pytest.mark.parametrize("kind", INVALID_KINDS)
async def test_the_example_target_finds_every_row_that_is_wrong_on_purpose_and_no_other(
    example: ExampleServer, kind: str
) -> None:
    plan = records_plan(invalid={"share": 0.25, "kinds": [kind]})

    answer = example.upload(content(composer_of(plan).compose(1_000)), load_test=True)

    if kind in NOT_LOOKED_AT:
        assert answer.json["processed_count"] == 1_000
    else:
        assert answer.status == 400
        assert answer.json["message"] == "250 rows are not valid"


COLUMNS = [
    {"name": "loyalty", "kind": "unique", "prefix": "L", "width": 9, "nullShare": 0.1},
    {"name": "visits", "kind": "integer", "min": -20, "max": 5_000, "nullShare": 0.1},
    {"name": "score", "kind": "decimal", "min": 0, "max": 100},
    {"name": "joined", "kind": "date", "earliest": "2020-01-01", "latest": "2024-12-31"},
    {"name": "tier", "kind": "choice", "values": ['<gold> & "more"', " silver", ""]},
    {"name": "employer", "kind": "faker", "provider": "company"},
    {"name": "source", "kind": "constant", "value": "0012"},
    {"name": "label", "kind": "template", "template": "{loyalty:lower}/{visits} {last_name:upper}"},
]


@pytest.mark.parametrize("name", ["csv", "xlsx"])
async def test_the_example_target_takes_files_with_columns_of_the_users(example: ExampleServer, name: str) -> None:
    plan = records_plan(fields={"add": COLUMNS, "order": ["tier", "email"]}, format_name=name)
    batch = composer_of(plan, name).compose(3_000)
    data = b"".join((await format_of(plan, name).encode(batch)).chunks())

    answer = example.upload(data, load_test=True, name=f"clients.{name}")

    assert answer.status == 200, answer.body
    assert answer.json["processed_count"] == 3_000


async def test_an_xlsx_file_has_the_cells_that_the_csv_file_has_of_every_kind_of_column() -> None:
    fields = {"add": COLUMNS, "drop": ["balance"], "rename": {"client_id": "id"}}
    csv_plan, xlsx_plan = (records_plan(fields=fields, format_name=name) for name in ("csv", "xlsx"))
    text = content(composer_of(csv_plan).compose(400)).decode()
    file = await format_of(xlsx_plan, "xlsx").encode(composer_of(xlsx_plan, "xlsx").compose(400))
    workbook = load_workbook(io.BytesIO(b"".join(file.chunks())))

    header, *rows = csv.reader(io.StringIO(text, newline=""))
    first, *cells = workbook.worksheets[0].iter_rows(values_only=True)

    numbers = {header.index("visits"), header.index("score")}
    expected = [
        [None if field == "" else float(field) if place in numbers else field for place, field in enumerate(row)]
        for row in rows
    ]
    assert list(first) == header
    assert [list(row) for row in cells] == expected
    assert all(isinstance(row[header.index("source")], str) for row in cells)
