"""Writes crds/loadtests.yaml from the model; with --check says whether it is up to date."""

import sys
from pathlib import Path

import yaml

from generated import written
from loadtest_model.crd import custom_resource_definition

FILE = Path(__file__).with_name("loadtests.yaml")
HEADER = "# Made from loadgen/loadtest_model by `make generate`; change it there.\n"


def main() -> int:
    text = HEADER + yaml.safe_dump(custom_resource_definition(), sort_keys=False, width=110, allow_unicode=True)
    return written(FILE, text, "the model")


if __name__ == "__main__":
    sys.exit(main())
