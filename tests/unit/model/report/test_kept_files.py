"""The files of a run are what they were, and a small file that comes to too much is refused."""

import base64
import gzip

import pytest

from loadtest_model.report.kept_files import LARGEST_FILE_BYTES, UnpackableError, files_of, unpack


def kept(content: bytes) -> dict[str, dict[str, str]]:
    return {"data": {"summary.json": "{}"}, "binaryData": {"report.html.gz": base64.b64encode(content).decode()}}


def test_the_files_are_decompressed_and_named_without_the_ending() -> None:
    assert files_of(kept(gzip.compress(b"<p>"))) == {"report.html": b"<p>", "summary.json": b"{}"}


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"whole", mtime=0)[:-9]])
def test_a_file_that_is_no_archive_or_is_cut_off_is_named(content: bytes) -> None:
    with pytest.raises(UnpackableError, match=r"report\.html\.gz"):
        files_of(kept(content))


def test_a_small_file_that_comes_to_more_than_the_bound_is_refused() -> None:
    with pytest.raises(UnpackableError, match="more than 67,108,864 bytes"):
        files_of(kept(gzip.compress(bytes(LARGEST_FILE_BYTES + 1), 1)))
    assert unpack("a.gz", gzip.compress(b"1234"), 4) == b"1234"
