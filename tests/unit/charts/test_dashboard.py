"""The dashboard of the chart, without a Prometheus: that it is whole, legible and about metrics that exist."""

import itertools
import re

from support.dashboard import dashboard, datasources, panels, queries, variables
from tools.committed_files import REPOSITORY

COLUMNS = 24


def test_every_metric_of_the_dashboard_is_documented() -> None:
    documented = (REPOSITORY / "docs" / "metrics.md").read_text()
    named = {name for query in queries() for name in re.findall(r"\bloadtest_\w+", query.expression)}
    families = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}

    assert len(families) > 15
    assert {name for name in families if f"`{name}`" not in documented} == set()


def test_every_panel_has_a_title_of_its_own_a_description_and_a_query() -> None:
    titles = [panel["title"] for panel in panels()]

    assert len(set(titles)) == len(titles)
    assert all(panel["title"] and panel["description"] and panel["targets"] for panel in panels())


def test_no_two_panels_lie_on_each_other_and_none_beside_the_grid() -> None:
    places = [panel["gridPos"] for panel in dashboard()["panels"]]

    assert all(place["x"] >= 0 and place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in itertools.combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_every_panel_has_a_number_of_its_own() -> None:
    numbers = [panel["id"] for panel in dashboard()["panels"]]

    assert len(set(numbers)) == len(numbers)


def test_every_data_source_is_the_one_that_the_reader_selects() -> None:
    named = list(datasources(dashboard()))

    assert len(named) > 10
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in named)


def test_every_query_of_a_test_is_bounded_by_both_variables_and_no_other() -> None:
    known = {"__rate_interval", *variables()}

    for query in queries():
        selectors = re.findall(r"(loadtest_\w+)(\{[^}]*\})?", query.expression)
        used = set(re.findall(r"\$\{?(\w+)", query.expression))
        assert used <= known, query
        # What stands behind `on (namespace, test)` is bounded by what stands before it.
        name, selector = selectors[0]
        assert name.startswith("loadtest_operator_") or {"$namespace", "$test"} <= set(re.findall(r"\$\w+", selector))
