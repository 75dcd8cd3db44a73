"""`python -m peers NAME|all`: provide a tool and print how to start it."""

import argparse
import sys
from collections.abc import Callable
from functools import partial

from peers import (
    DJANGO_VERSIONS,
    PeerMissingError,
    artillery,
    axe_core,
    django_peer,
    k6,
    locust_python,
    monitoring_types,
    prometheus_programs,
    vegeta,
    wrk,
)
from peers.s3_server import versitygw


def _django(version: str) -> str:
    peer = django_peer(version)
    return f"{peer.python} with PYTHONPATH={peer.packages}"


_PEERS: dict[str, Callable[[], str]] = {
    "k6": lambda: str(k6()),
    "vegeta": lambda: str(vegeta()),
    "wrk": lambda: str(wrk()),
    "artillery": lambda: " ".join(artillery()),
    "locust": lambda: f"{locust_python()} -m locust",
    "prometheus": lambda: str(prometheus_programs()[0]),
    "monitoring": lambda: str(monitoring_types()),
    "versitygw": lambda: str(versitygw()),
    "axe": lambda: str(axe_core()),
    **{f"django-{version}": partial(_django, version) for version in DJANGO_VERSIONS},
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
