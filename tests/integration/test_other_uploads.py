"""docs/other-uploads.md and the FastAPI service of docs/other-frameworks.md, as they are written.

Only the port is another.
"""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from localcluster.installation import REPOSITORY
from localcluster.ports import free_port

FRAMEWORKS = (REPOSITORY / "docs" / "other-frameworks.md").read_text()
PAGE = (REPOSITORY / "docs" / "other-uploads.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
FILES = {
    text.partition("\n")[0].removeprefix("# "): text.partition("\n")[2] for language, text in BLOCKS if language != "sh"
}
SERVE, *COMMANDS = [line for language, text in BLOCKS if language == "sh" for line in text.splitlines()]
READY_SECONDS = 60.0
TOKEN = "a-token-of-the-tests"


class Reader:
    """Somebody who follows the page in a folder."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def text(self, text: str) -> str:
        return text.replace("8000", str(self.port))

    def run(self, line: str) -> str:
        process = subprocess.run(
            ["bash", "-c", self.text(line)],
            check=False, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert process.returncode == 0, f"{line}\n{process.stdout}{process.stderr}"
        return process.stdout

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "LOAD_TEST_TOKEN": TOKEN,
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        }

    def rows(self, table: str) -> int:
        statement = (
            f"import sqlite3; print(*sqlite3.connect('shop.db').execute('SELECT COUNT(*) FROM {table}').fetchone())"
        )
        return int(subprocess.check_output([sys.executable, "-c", statement], cwd=self.folder))


@contextmanager
def serving(folder: Path, path: str) -> Iterator[Reader]:
    """A reader whose service runs in the folder and answers at the path."""
    port = free_port()
    reader = Reader(folder, port)
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            reader.text(SERVE).split(),
            cwd=folder, env=reader.environment, stdout=log, stderr=log, executable=sys.executable,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
        yield reader
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("shop")
    for path in ("service.py", "products.csv"):
        (folder / path).write_text(FILES[path])
    with serving(folder, "/docs") as reader:
        (folder / "transactions.yaml").write_text(reader.text(FILES["transactions.yaml"]))
        yield reader


def test_products_come_from_a_file_to_a_proven_run(reader: Reader) -> None:
    make_fields, sample, mark_unique, store, verify, run = COMMANDS[:6]

    reader.run(make_fields)
    written = (reader.folder / "products.yaml").read_text()
    assert [line for line in written.splitlines() if not line.lstrip().startswith("#")] == FILES[
        "products.yaml"
    ].splitlines()
    assert reader.run(sample).splitlines()[0] == "sku;category;price;in_stock;added"
    reader.run(mark_unique)
    assert "unique: true" in (reader.folder / "products.yaml").read_text()
    reader.run(store)
    assert "Verified" in reader.run(verify)
    assert re.search(r"Verdict +Passed\nProof +Proven", reader.run(run))
    assert reader.rows("products") == 4


def test_transactions_come_with_real_dates_and_booleans(reader: Reader) -> None:
    sample, verify, run = COMMANDS[6:]

    reader.run(sample)
    header, first, *_ = load_workbook(reader.folder / "sample.xlsx").active.iter_rows(values_only=True)
    assert header == ("reference", "amount", "currency", "booked_at", "settled")
    assert isinstance(first[3], datetime)
    assert isinstance(first[4], bool)
    assert "level Echoed" in reader.run(verify)
    assert re.search(r"Verdict +Passed\nProof +Echoed", reader.run(run))
    assert reader.rows("transactions") == 0


def test_the_service_refuses_transactions_whose_dates_are_texts(reader: Reader) -> None:
    manifest = reader.folder / "texts.yaml"
    manifest.write_text((reader.folder / "transactions.yaml").read_text().replace("cells: typed", "cells: text"))

    process = subprocess.run(
        ["bash", "-c", f"loadgen verify -f {manifest}"],
        check=False, env=reader.environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert process.returncode == 3
    assert "booked_at must be a date" in process.stdout


def test_the_service_of_the_page_about_frameworks_is_proven_too(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n# service.py\n(.*?)^```$", FRAMEWORKS, re.MULTILINE | re.DOTALL)
    (engine,) = re.findall(r'create_engine\(".*"\)', code)
    database = 'create_engine("sqlite:///shop.db")'
    (tmp_path / "service.py").write_text(f"{code.replace(engine, database)}\n\nBase.metadata.create_all(engine)\n")
    (tmp_path / "one.csv").write_text("sku,name\nA-1,Saw\n")
    fields = "--only '' --field sku=unique:prefix=P-,width=8 --field name=faker:catch_phrase"
    with serving(tmp_path, "/count/") as reader:
        reader.run("curl -fsS -F file=@one.csv http://127.0.0.1:8000/products/")
        refused = reader.run("loadgen verify --url http://127.0.0.1:8000/products/ || true")
        output = reader.run(
            f"AUTH_TOKEN={TOKEN} loadgen run custom --auth-scheme LoadTest --batch-size 200 --duration 2s {fields}"
            " --url http://127.0.0.1:8000/products/"
            " --require proven --read-back http://127.0.0.1:8000/count/ --read-back-count count"
        )

        assert re.search(r"Verdict +Passed\nProof +Proven", output)
        assert "403" in refused
        assert reader.rows("products") == 1
