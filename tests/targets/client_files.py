"""Small files of clients for tests, written by the standard library and openpyxl and not by our own composer."""

import csv
import io
import itertools
from collections.abc import Iterable

from openpyxl import Workbook

COLUMNS = (
    "client_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "address",
    "city",
    "province",
    "postal_code",
    "date_of_birth",
    "language",
    "status",
    "balance",
    "created_at",
    "updated_at",
)

_numbers = itertools.count(1)


def client(**values: str) -> dict[str, str]:
    """A valid client with a client_id and e-mail that no other has; `values` replaces columns."""
    number = next(_numbers)
    return {
        "client_id": f"C{number:08d}",
        "first_name": "Geneviève",
        "last_name": "O'Brien",
        "email": f"client{number:08d}@example.com",
        "phone": "+1-418-555-0123",
        "address": '12, rue de l\'Église, "app. 4"',
        "city": "Québec",
        "province": "QC",
        "postal_code": "G1R 4P5",
        "date_of_birth": "1980-12-31",
        "language": "fr",
        "status": "active",
        "balance": "-1234.50",
        "created_at": "2024-05-06T07:08:09Z",
        "updated_at": "2024-05-06T07:08:09Z",
        **values,
    }


def clients(count: int) -> list[dict[str, str]]:
    """So many different clients."""
    return [client() for _ in range(count)]


def csv_file(rows: Iterable[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> bytes:
    """The chosen columns of the rows, under their header row, as CSV in UTF-8."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def xlsx_file(rows: Iterable[dict[str, str]], columns: tuple[str, ...] = COLUMNS) -> bytes:
    """The chosen columns of the rows, under their header row, as one sheet of text cells."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet("clients")
    sheet.append(columns)
    for row in rows:
        sheet.append([row[name] for name in columns])
    content = io.BytesIO()
    workbook.save(content)
    return content.getvalue()
