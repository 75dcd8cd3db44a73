"""docs/thresholds.md: every form in it is what the programs take, and `kubectl explain` lists the metrics too."""

import re
from pathlib import Path

import pytest
import yaml

from loadtest_model.admission.crd import custom_resource_definition
from loadtest_model.thresholds.bounds import parse_threshold
from loadtest_model.thresholds.metrics import METRICS
from loadtest_model.thresholds.mistakes import LOWER_BOUND_ONLY, UPPER_BOUND_ONLY
from loadtest_model.values import nanoseconds_of
from tools import generate_metrics

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "thresholds.md").read_text()
DURATIONS = PAGE.partition("## Durations\n")[2].partition("\n## ")[0]
ROWS = [line.strip("| ").split(" | ") for line in DURATIONS.splitlines() if line.startswith("| `")]
SECONDS = {"a minute and a half": 90, "half a second": 0.5, "an hour": 3600, "nothing": 0}


@pytest.mark.parametrize(("texts", "meaning"), ROWS)
def test_a_duration_is_what_the_table_says(texts: str, meaning: str) -> None:
    for text in re.findall(r"`([^`]+)`", texts):
        if meaning.startswith("refused"):
            with pytest.raises(ValueError, match="is not a duration"):
                nanoseconds_of(text)
        else:
            assert nanoseconds_of(text) == SECONDS[meaning.partition(";")[0]] * 10**9


def test_the_table_of_durations_was_read() -> None:
    assert len(ROWS) == 5


def test_the_thresholds_of_the_example_are_taken() -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

    for text in yaml.safe_load(example)["thresholds"]:
        assert parse_threshold(text).expression == text


def test_a_time_in_a_threshold_is_one_number_with_its_unit() -> None:
    with pytest.raises(ValueError, match="p95 < 1m30s"):
        parse_threshold("p95 < 1m30s")
    assert parse_threshold("p95 < 90s").bound == 90


@pytest.mark.parametrize("name", METRICS)
def test_the_table_of_metrics_says_which_signs_can_be_meant(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| (.*?) \| (.*?) \|", generate_metrics.document(PAGE), re.MULTILINE)
    bound, signs = row
    is_time = METRICS[name].unit == "seconds"

    assert bound.startswith("a time") == is_time
    assert signs == (
        "`<` `<=`" if is_time or name in UPPER_BOUND_ONLY else "`>` `>=`" if name in LOWER_BOUND_ONLY else "all four"
    )


def test_the_description_in_the_cluster_names_every_metric_beside_its_unit() -> None:
    schema = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    description = schema["properties"]["spec"]["properties"]["thresholds"]["description"]

    units = {"seconds": "Times", "ratio": "Shares", "count": "Numbers"}
    for name, metric in METRICS.items():
        assert re.search(rf"{units[metric.unit]}[^:]*: [^.]*\b{name}\b", description), name
