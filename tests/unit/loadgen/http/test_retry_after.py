"""The pause that an answer asks for."""

import pytest

from loadgen.http.retry_after import MOST_SECONDS, retry_after_seconds

NOON = 1_800_014_400.0  # Fri, 15 Jan 2027 12:00:00 GMT


def asked(text: str, status: int = 429, **headers: str) -> float | None:
    return retry_after_seconds(status, {"Retry-After": text, **headers}, NOON)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("30", 30.0),
        (" 7 ", 7.0),
        ("86400", MOST_SECONDS),
        ("9" * 400, MOST_SECONDS),
        ("Fri, 15 Jan 2027 12:00:10 GMT", 10.0),
        ("Friday, 15-Jan-27 12:00:10 GMT", 10.0),
        ("Fri Jan 15 12:00:10 2027", 10.0),
        ("Fri, 15 Jan 2027 11:00:00 GMT", 0.0),
        ("Fri, 15 Jan 2027 14:00:00 GMT", MOST_SECONDS),
    ],
)
def test_seconds_and_dates_are_both_understood_up_to_an_hour(text: str, seconds: float) -> None:
    assert asked(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-5",
        "1.5",
        "٣",
        "Fri, 99 Jan 2027 12:00:10 GMT",
        f"Fri, 15 Jan {'9' * 20} 12:00:10 GMT",
        f"Fri, 15 Jan 2027 12:00:10 +{'9' * 20}",
    ],
)
def test_what_is_neither_asks_for_nothing(text: str) -> None:
    assert asked(text) is None


def test_a_date_is_held_against_the_clock_of_the_one_who_wrote_it() -> None:
    assert asked("Fri, 15 Jan 2027 09:00:20 GMT", Date="Fri, 15 Jan 2027 09:00:00 GMT") == 20.0


@pytest.mark.parametrize(("status", "seconds"), [(429, 5.0), (503, 5.0), (500, None), (201, None), (301, None)])
def test_only_a_429_and_a_503_make_an_upload_wait(status: int, seconds: float | None) -> None:
    assert asked("5", status) == seconds
