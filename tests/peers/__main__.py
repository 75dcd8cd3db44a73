"""`python -m peers k6|artillery|locust|prometheus|monitoring|axe|all`: provide a tool and print how to start it."""

import argparse
import sys
from collections.abc import Callable

from peers import PeerMissingError, artillery, axe_core, k6, locust_python, monitoring_types, prometheus_programs
from peers.s3_server import versitygw

_PEERS: dict[str, Callable[[], str]] = {
    "k6": lambda: str(k6()),
    "artillery": lambda: " ".join(artillery()),
    "locust": lambda: f"{locust_python()} -m locust",
    "prometheus": lambda: str(prometheus_programs()[0]),
    "monitoring": lambda: str(monitoring_types()),
    "versitygw": lambda: str(versitygw()),
    "axe": lambda: str(axe_core()),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="peers", description=__doc__)
    parser.add_argument("name", choices=[*_PEERS, "all"])
    wanted = parser.parse_args().name
    missing = 0
    for name in _PEERS if wanted == "all" else [wanted]:
        try:
            print(f"{name} {_PEERS[name]()}")
        except PeerMissingError as error:
            print(f"{name} cannot be had: {error}", file=sys.stderr)
            missing += 1
    return min(missing, 1)


if __name__ == "__main__":
    sys.exit(main())
