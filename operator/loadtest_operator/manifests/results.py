"""What a run came to, as an object of the cluster."""

import base64
import gzip
from typing import Final

from loadtest_model.plan import Plan
from loadtest_operator.manifests.common import Json, metadata
from loadtest_operator.names import results_name

PLAIN_SERIES_LIMIT_BYTES: Final = 131_072


def results(plan: Plan, summary: bytes, time_series: str) -> Json:
    """The ConfigMap of a run's results: the summary in plain, the time series compressed where it is long."""
    made: Json = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(plan, results_name(plan.name, plan.uid, plan.run_id)),
        "data": {"summary.json": summary.decode()},
    }
    series = time_series.encode()
    if len(series) <= PLAIN_SERIES_LIMIT_BYTES:
        made["data"]["time_series.csv"] = time_series
    else:
        packed = gzip.compress(series, mtime=0)
        made["binaryData"] = {"time_series.csv.gz": base64.b64encode(packed).decode()}
    return made
