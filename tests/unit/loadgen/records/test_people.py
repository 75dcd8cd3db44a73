"""What a record says about its person: that its parts agree and are what real files hold."""

import csv
import io
import re
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from functools import cache

import pytest

from loadgen.records import CLIENT_COLUMNS, Composer, RecordSpace, load_pools
from loadgen.records.pools import mail_name
from loadtest_model.records.geography import CITIES, area_code_shares

BY_NAME = {city.name: city for city in CITIES}

POSTAL_FIRST_LETTERS = {
    "AB": "T",
    "BC": "V",
    "MB": "R",
    "NB": "E",
    "NL": "A",
    "NS": "B",
    "NT": "X",
    "NU": "X",
    "ON": "KLMNP",
    "PE": "C",
    "QC": "GHJ",
    "SK": "S",
    "YT": "Y",
}
"""The first letters of the postal codes of each province or territory."""


@cache
def rows() -> list[dict[str, str]]:
    source = Composer(RecordSpace(11, 5), load_pools())
    composed = []
    for _ in range(8):
        batch = source.compose(2_500)
        text = b"".join(batch.chunks()).decode()
        composed += list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    return composed


def test_no_field_is_empty_or_holds_a_mark() -> None:
    for row in rows():
        assert tuple(row) == tuple(column.name for column in CLIENT_COLUMNS)
        for text in row.values():
            assert text
            assert text.isprintable()


def test_city_province_postal_code_and_area_code_agree() -> None:
    for row in rows():
        city = BY_NAME[row["city"]]
        assert row["province"] == city.province
        assert row["postal_code"][:3] in city.postal_prefixes
        assert row["phone"].split("-")[1] in city.area_codes


def test_postal_codes_have_canada_posts_form_and_letters() -> None:
    form = re.compile(r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z] \d[ABCEGHJ-NPRSTV-Z]\d")

    assert all(form.fullmatch(row["postal_code"]) for row in rows())


def test_phones_obey_the_numbering_plan() -> None:
    form = re.compile(r"\+1-[2-9]\d\d-(?!.11)[2-9]\d\d-\d{4}")

    assert all(form.fullmatch(row["phone"]) for row in rows())


def test_the_geography_has_forty_cities_in_all_provinces_and_each_postal_prefix_fits_its_province() -> None:
    assert len(CITIES) >= 40
    assert {city.province for city in CITIES} == set(POSTAL_FIRST_LETTERS)
    for city in CITIES:
        for prefix in city.postal_prefixes:
            assert prefix[0] in POSTAL_FIRST_LETTERS[city.province]
            assert re.fullmatch(r"[A-Z]\d[ABCEGHJ-NPRSTV-Z]", prefix)


def test_cities_are_named_once() -> None:
    assert len(BY_NAME) == len(CITIES)


def test_the_shares_of_area_codes_sum_to_one() -> None:
    assert sum(area_code_shares().values()) == pytest.approx(1)


def test_dates_times_and_balances_parse_and_are_in_order() -> None:
    for row in rows():
        born = date.fromisoformat(row["date_of_birth"])
        created, updated = (datetime.fromisoformat(row[name]) for name in ("created_at", "updated_at"))
        assert date(1935, 1, 1) <= born <= date(2006, 12, 31)
        assert created <= updated
        assert created.tzinfo is not None
        assert re.fullmatch(r"\d+\.\d\d", row["balance"])
        assert Decimal(0) <= Decimal(row["balance"]) < 100_000


def test_french_is_spoken_mostly_in_quebec_and_parts_of_new_brunswick() -> None:
    language = {place: Counter[str]() for place in ("QC", "NB", "ON", "BC")}
    for row in rows():
        if row["province"] in language:
            language[row["province"]][row["language"]] += 1

    french = {place: count["fr"] / count.total() for place, count in language.items()}

    assert french["QC"] > 0.7
    assert 0.1 < french["NB"] < 0.5
    assert french["ON"] < 0.1
    assert french["BC"] < 0.05


def test_statuses_come_in_their_proportions() -> None:
    count = Counter(row["status"] for row in rows())

    shares = {status: number / count.total() for status, number in count.items()}

    expected = {"active": 0.78, "inactive": 0.12, "pending": 0.07, "suspended": 0.03}
    assert shares == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("column", "character"),
    [("last_name", "'"), ("last_name", "é"), ("last_name", "-"), ("address", ","), ("address", '"'), ("city", "é")],
)
def test_the_characters_that_break_naive_readers_occur(column: str, character: str) -> None:
    assert any(character in row[column] for row in rows())


def test_a_mail_name_is_plain_ascii() -> None:
    assert mail_name("D'Amours-Bélanger") == "damoursbelanger"
