"""How many rows an upload carries, found out before Django sees it."""

import csv
import io
import re
import zipfile
from wsgiref.types import WSGIEnvironment

from django.core.handlers.wsgi import WSGIRequest

_SHEET_ROW = re.compile(rb"<row[\s>]")


def take_body(environ: WSGIEnvironment) -> bytes:
    """Read the request's whole body, and put it back for whoever reads it next."""
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def count_rows(environ: WSGIEnvironment) -> int:
    """Rows after the header row in the form field `file`, CSV or XLSX; 0 where there is no such file."""
    request = WSGIRequest({**environ, "wsgi.input": io.BytesIO(take_body(environ))})
    try:
        upload = request.FILES.get("file")
        if upload is None:
            return 0
        content: bytes = upload.read()
    finally:
        request.close()
    rows = _xlsx_rows(content) if content.startswith(b"PK") else _csv_rows(content)
    return max(rows - 1, 0)


def form_fields(environ: WSGIEnvironment) -> dict[str, str]:
    """The fields of the form beside its files."""
    request = WSGIRequest({**environ, "wsgi.input": io.BytesIO(take_body(environ))})
    try:
        return {name: str(value) for name, value in request.POST.items()}
    finally:
        request.close()


def _csv_rows(content: bytes) -> int:
    return sum(1 for row in csv.reader(io.StringIO(content.decode(errors="replace"), newline="")) if row)


def _xlsx_rows(content: bytes) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        return sum(len(_SHEET_ROW.findall(archive.read(name))) for name in sheets)
