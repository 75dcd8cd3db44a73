"""What an answer says of the target's database."""

import pytest
from multidict import CIMultiDict

from loadgen.http.target_database import database_seconds
from loadgen.http.upload_progress import UploadProgress


def test_the_header_tells_milliseconds() -> None:
    assert database_seconds(CIMultiDict({"x-load-test-database-time": "31.250"})) == 0.03125


@pytest.mark.parametrize("text", ["", "fast", "-1", "nan", "inf", "3600001", "1e99"])
def test_what_cannot_be_true_is_not_told(text: str) -> None:
    assert database_seconds({"X-Load-Test-Database-Time": text}) is None


def test_an_answer_without_the_header_tells_nothing() -> None:
    assert database_seconds({}) is None


@pytest.mark.parametrize(("seconds", "nanoseconds"), [(None, None), (0.0, 0), (0.03125, 31_250_000)])
def test_the_database_is_a_part_of_an_upload_that_told_of_it(seconds: float | None, nanoseconds: int | None) -> None:
    assert UploadProgress(database_seconds=seconds).parts.database == nanoseconds
