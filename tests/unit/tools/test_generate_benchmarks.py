"""The page of benchmarks, rendered from its measurements."""

import re
from copy import deepcopy
from typing import Any

import pytest

from bench.rig.table import COST, origin, upload_tables
from tools.generate_benchmarks import FILE, GOALS, best_peer, document, goals_table, read_measurements

UNIQUE_CLIENTS = (
    "raw socket, prepared bytes",
    "aiohttp at its barest, prepared bytes",
    "loadgen",
    "Locust with our records",
    "Locust",
    "Artillery",
    "k6",
)


def a_round(cost: float) -> dict[str, float]:
    return {
        "records_per_second": 1e6,
        "uploads_per_second": 100.0,
        "bytes_per_second": 2e8,
        COST: cost,
        "busy": 0.5,
        "resident_bytes": 80e6,
    }


def measurements_with_costs(**costs: list[float]) -> dict[str, Any]:
    """The committed measurements, with other rounds of some clients in both works of unique rows."""
    measurements = deepcopy(read_measurements())
    for work in ("unique", "small"):
        clients = measurements["uploads"]["work"][work]["clients"]
        for name, rounds in costs.items():
            clients[name] = [a_round(cost) for cost in rounds]
    return measurements


def reached(table: str) -> dict[str, tuple[str, str]]:
    """What stands in each line of the table of goals, by its work: the figure, and whether it is reached."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.splitlines() if line.startswith("| ")]
    return {line[1]: (line[3], line[4]) for line in lines}


def test_every_goal_finds_its_figures_in_the_committed_measurements() -> None:
    lines = reached(goals_table(read_measurements()))

    assert len(lines) >= len({goal.work for goal in GOALS})
    clients = read_measurements()["uploads"]["work"]["unique"]["clients"]
    assert set(UNIQUE_CLIENTS) <= set(clients)


def test_a_ratio_is_that_of_the_medians_of_cpu_time() -> None:
    measurements = measurements_with_costs(
        loadgen=[0.1, 0.2, 9.0], **{"Locust with our records": [0.5, 0.4, 0.01], UNIQUE_CLIENTS[0]: [0.1, 0.1, 0.1]}
    )

    lines = reached(goals_table(measurements))

    assert lines["the same, beside Locust with our records"] == ("2.00 times", "yes")
    assert lines["CSV, 10,000 rows a batch, of the raw socket"] == ("50%", "yes")


def test_a_goal_is_not_reached_by_less_than_its_bound_and_a_limit_not_by_more() -> None:
    measurements = measurements_with_costs(loadgen=[1.0], **{"Locust with our records": [1.99]})
    measurements["growth"]["users"] = [{"x": 1, "megabytes": 60}, {"x": 200, "megabytes": 91}]

    lines = reached(goals_table(measurements))

    assert lines["the same, beside Locust with our records"] == ("1.99 times", "no")
    assert lines["memory at 200 virtual users, 10,000 rows"] == ("91 MB", "no")


def test_the_best_peer_is_the_one_with_the_least_cpu_time() -> None:
    measurements = measurements_with_costs(loadgen=[1.0], Locust=[5.0], Artillery=[4.0], k6=[6.0])

    assert best_peer(measurements, "small") == "Artillery"
    assert reached(goals_table(measurements))["the same, beside the best peer"] == ("4.00 times", "yes")


def test_a_table_shows_the_median_of_the_rounds_and_their_range() -> None:
    work = {"static": {"title": "One file", "clients": {"loadgen": [a_round(0.3), a_round(0.1), a_round(0.2)]}}}

    table = upload_tables({"work": work})

    assert "### One file\n" in table
    assert "| loadgen | 1,000,000 | 100 | 200 | 0.200 | 0.100 to 0.300 | 50% | 80 |" in table


def test_the_origin_names_the_day_the_machine_and_every_version() -> None:
    measurement = {"date": "2026-11-30", "machine": "Linux", "python": "3.11", "versions": {"k6": "1.8", "wrk": "4"}}

    assert origin(measurement) == "Measured on 2026-11-30: Linux, Python 3.11, k6 1.8, wrk 4."


def test_rendering_replaces_what_stands_between_the_marks_and_nothing_else() -> None:
    page = FILE.read_text("utf-8")
    measurements = measurements_with_costs(loadgen=[123.456])

    changed = document(page, measurements)

    assert "123.456" in changed
    between_marks = re.compile(r"(?s)<!-- (goals|uploads|times|growth) -->.*?<!-- end of \1 -->")
    assert between_marks.sub("", changed) == between_marks.sub("", page)


def test_a_page_without_a_place_for_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="<!-- goals -->"):
        document("# Benchmarks\n", read_measurements())
