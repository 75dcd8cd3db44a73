"""`ours_timed.py URL BATCH_ROWS VIRTUAL_USERS SECONDS [RATE]`: the generator's engine, and its percentiles as JSON.

With a rate the arrivals are scheduled (open model), otherwise each user uploads again when its upload has ended.
"""

import json
import sys

from bench.clients.ours import load, plan_for
from loadgen.cli import event_loop


def main() -> None:
    url, rows, users, seconds, *rate = sys.argv[1:]
    plan = plan_for(url, "csv", int(rows), int(users), int(seconds), *map(float, rate))
    step, _ = event_loop.run(load(plan))
    percentiles = {f"p{percent}": step.response.quantile_seconds(percent / 100) for percent in (50, 95, 99)}
    print(json.dumps({"uploads": step.total.accepted, **percentiles}))


if __name__ == "__main__":
    main()
