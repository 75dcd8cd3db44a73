"""The pools as the build makes and the pod reads them."""

import json
from pathlib import Path

import pytest

from loadgen.records import load_pools
from loadgen.records.make_pools import make_pools, write_pools


def test_the_build_makes_the_same_file_each_time(tmp_path: Path) -> None:
    write_pools(tmp_path / "pools.json")

    assert json.loads((tmp_path / "pools.json").read_text(encoding="utf-8")) == make_pools()
    assert [path.name for path in tmp_path.iterdir()] == ["pools.json"]


def test_the_pools_are_large_enough_for_people_to_differ() -> None:
    pools = load_pools()

    for language in (pools.english, pools.french):
        assert len(language.first_names) * len(language.last_names) > 20_000
        assert len(language.streets) > 1_000


def test_pools_hold_text_that_any_encoding_of_canada_can_write() -> None:
    pools = load_pools()

    for language in (pools.english, pools.french):
        for text in (*language.first_names, *language.last_names, *language.streets):
            assert text.isprintable()
            assert text.strip() == text != ""


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"loadgen\.records\.make_pools"):
        load_pools(tmp_path / "pools.json")
