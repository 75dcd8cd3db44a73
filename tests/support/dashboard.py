"""The dashboard of the chart as Grafana asks with it: every query, with the variables that it puts in."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from support.manifest_tools import CHART, Json

DASHBOARD = CHART / "files" / "dashboard.json"


@dataclass(frozen=True)
class Query:
    """A query of a panel; `expression` still has Grafana's variables."""

    panel: str
    reference: str
    expression: str

    def with_values(self, rate_interval: str, **values: str) -> str:
        """The expression that Prometheus gets. A variable without a value is left as it is."""
        expression = self.expression.replace("$__rate_interval", rate_interval)
        for name, value in values.items():
            expression = expression.replace(f"${name}", value)
        return expression


def dashboard() -> Json:
    board: Json = json.loads(DASHBOARD.read_text())
    return board


def panels() -> list[Json]:
    """The panels, without the rows between them."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def queries() -> list[Query]:
    return [Query(panel["title"], target["refId"], target["expr"]) for panel in panels() for target in panel["targets"]]


def variables() -> dict[str, Json]:
    return {variable["name"]: variable for variable in dashboard()["templating"]["list"]}


def label_values(variable: Json) -> tuple[str, str]:
    """The selector and the label of a variable whose values are those of a label."""
    match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
    assert match is not None, variable
    return match[1], match[2]


def datasources(part: Any) -> Iterator[Json]:
    """Every data source that the dashboard, or a part of it, names."""
    if isinstance(part, list):
        for each in part:
            yield from datasources(each)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "datasource":
                yield value
            else:
                yield from datasources(value)
