"""Files that commands write are there in whole or not at all."""

import os
import subprocess
from pathlib import Path

import pytest

from loadgen.local.whole_files import write_whole
from support.local_runs import command, environment

HALF_A_FILE = "ulimit -f 16; exec"
"""What is written beyond 8 KiB fails, as on a disk that is full."""


def limited(folder: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    text = ["sh", "-c", f'{HALF_A_FILE} "$@"', "sh", *command(*arguments)]
    return subprocess.run(text, cwd=folder, env=environment(), capture_output=True, text=True, check=False)


def test_a_sample_that_cannot_be_written_to_its_end_leaves_the_file_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "clients.csv").write_text("an earlier sample")

    ended = limited(tmp_path, "sample", "--rows", 1_000, "--format", "csv", "--out", "clients.csv")

    assert "clients.csv cannot be written: File too large" in ended.stderr
    assert ended.returncode == 64
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"clients.csv": "an earlier sample"}


def test_a_script_that_cannot_be_written_to_its_end_is_not_there(tmp_path: Path) -> None:
    options = ("light", "--url", "http://clients.test/", "--to", "light.js")

    assert limited(tmp_path, "export", "k6", *options).returncode == 64
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["link", "pipe"])
def test_what_is_no_file_of_its_own_is_written_to_and_stays(name: str, tmp_path: Path) -> None:
    path, file = tmp_path / name, tmp_path / "file"
    if name == "link":
        path.symlink_to(file)
    else:
        os.mkfifo(path)
        reader = subprocess.Popen(["cp", path, file])

    write_whole(path, b"content")

    if name == "pipe":
        reader.wait(30)
    assert file.read_bytes() == b"content"
    assert path.is_symlink() or path.is_fifo()
