"""Each fault of the faulty target does what it says, over real HTTP and with two workers."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

import faulty_target
from client_files import client, clients, csv_file, xlsx_file
from example_server import UPLOAD_PATH, Answer, ExampleServer, example_server
from faulty_target.faults import FaultSettings, with_fault
from faulty_target.ledger import Ledger

FULL_ROWS = 100
TARGETS = Path(faulty_target.__file__).parents[1]
Serve = Callable[..., AbstractContextManager[ExampleServer]]
FileWriter = Callable[[Iterable[dict[str, str]]], bytes]


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    @contextmanager
    def faulty_server(fault: str, **variables: str) -> Iterator[ExampleServer]:
        environment = {"FAULT": fault, "FAULT_LEDGER": str(tmp_path / "ledger"), **variables}
        with example_server(tmp_path, environment, "faulty_target.wsgi") as server:
            yield server

    return faulty_server


def is_marked(answer: Answer) -> bool:
    return answer.status == 200 and answer.json.get("load_test_mode") is True


def test_a_target_that_ignores_the_header_stores_the_rows_and_answers_without_marker(serve: Serve) -> None:
    with serve("ignores-header") as target:
        answer = target.upload(csv_file(clients(5)), load_test=True)

        assert (answer.status, answer.json["success"], answer.json["processed_count"]) == (200, True, 5)
        assert "load_test_mode" not in answer.json
        assert target.count() == 5


@pytest.mark.parametrize(("name", "write"), [("c.csv", csv_file), ("c.xlsx", xlsx_file)], ids=["csv", "xlsx"])
def test_some_errors_fails_every_kth_full_upload_over_all_workers(
    serve: Serve, tmp_path: Path, name: str, write: FileWriter
) -> None:
    small, full = write(clients(FULL_ROWS - 1)), write(clients(FULL_ROWS))
    with serve("some-errors", FAULT_EVERY="3") as target, ThreadPoolExecutor(4) as pool:
        answers = pool.map(lambda _: target.upload(full, name=name, load_test=True), range(12))
        tries = pool.map(lambda _: target.upload(small, name=name, load_test=True), range(6))

        assert Counter(answer.status for answer in answers) == {200: 8, 500: 2, 503: 2}
        assert Counter(answer.status for answer in tries) == {200: 6}
        assert Ledger(tmp_path / "ledger").entries() == [FULL_ROWS] * 12
        assert target.count() == 0


def test_the_marker_is_lost_after_as_many_full_uploads_as_asked_for(serve: Serve) -> None:
    small, full = csv_file(clients(1)), csv_file(clients(FULL_ROWS))
    with serve("loses-marker", FAULT_AFTER="3") as target:
        before = [target.upload(content, load_test=True) for content in (small, full, full, small, full)]
        assert [is_marked(answer) for answer in before] == [True] * 5
        assert target.count() == 0

        after = [target.upload(content, load_test=True) for content in (small, full)]
        assert [answer.status for answer in after] == [200, 200]
        assert [is_marked(answer) for answer in after] == [False, False]
        assert target.count() == FULL_ROWS + 1


def test_a_lying_target_stores_what_it_says_it_has_not(serve: Serve) -> None:
    small, full = csv_file(clients(1)), csv_file(clients(FULL_ROWS))
    with serve("lies", FAULT_AFTER="1") as target:
        answers = [target.upload(content, load_test=True) for content in (small, full, full, small)]

        assert [is_marked(answer) for answer in answers] == [True] * 4
        assert [answer.json["processed_count"] for answer in answers] == [1, FULL_ROWS, FULL_ROWS, 1]
        assert target.count() == FULL_ROWS


def test_a_redirecting_target_names_another_path(serve: Serve) -> None:
    with serve("redirect") as target:
        answer = target.upload(csv_file(clients(5)), load_test=True)

        assert (answer.status, answer.headers["Location"]) == (302, "/elsewhere/")
        assert target.count() == 0


def test_an_unauthorized_upload_is_refused_even_while_it_is_sent(serve: Serve) -> None:
    with serve("unauthorized") as target:
        answer = target.upload(b"x" * 20_000_000, load_test=True)

        assert (answer.status, answer.json["success"]) == (401, False)
        assert target.count() == 0


def test_a_slow_target_answers_late_and_otherwise_as_it_should(serve: Serve) -> None:
    with serve("slow", FAULT_SECONDS="0.4") as target:
        started = time.monotonic()
        answer = target.upload(csv_file([client()]), load_test=True)

        assert time.monotonic() - started >= 0.4
        assert is_marked(answer)


def test_an_upload_without_a_file_is_left_to_the_target(serve: Serve) -> None:
    with serve("some-errors", FAULT_EVERY="1") as target:
        answer = target.request("POST", UPLOAD_PATH, b"", {"X-Load-Test": "true"})

        assert (answer.status, answer.json["success"]) == (400, False)


def test_an_unknown_fault_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match="FAULT is 'sulks', known are ignores-header, lies, loses-marker"):
        with_fault(lambda environ, start_response: [], "sulks", FaultSettings())


@pytest.mark.parametrize("fault", ["lies", "loses-marker", "some-errors"])
def test_a_fault_that_counts_is_refused_without_a_ledger(fault: str) -> None:
    with pytest.raises(ValueError, match="set FAULT_LEDGER"):
        with_fault(lambda environ, start_response: [], fault, FaultSettings())


def test_ordinals_are_unique_and_without_gaps_among_processes(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    program = (
        "import pathlib, sys; from faulty_target.ledger import Ledger; ledger = Ledger(pathlib.Path(sys.argv[1]));"
        "print(*(ledger.add(100) for _ in range(500)))"
    )
    command = [sys.executable, "-c", program, str(path)]
    environment = {"PYTHONPATH": str(TARGETS)}

    with ExitStack() as stack:
        adding = [
            stack.enter_context(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
            for _ in range(4)
        ]
        outputs = [process.communicate(timeout=60)[0] for process in adding]

    ordinals = [int(ordinal) for output in outputs for ordinal in output.split()]
    assert sorted(ordinals) == list(range(1, 2001))
    assert Ledger(path).entries() == [100] * 2000
