"""Writes crds/loadtests.yaml from the model; with --check says whether it is up to date."""

import sys
from typing import Final

import yaml

from loadtest_model.admission.crd import custom_resource_definition
from tools.committed_files import REPOSITORY, write_or_check

FILE: Final = REPOSITORY / "crds" / "loadtests.yaml"
HEADER: Final = "# Made from model/loadtest_model by `make generate`; change it there.\n"


def main() -> int:
    text = HEADER + yaml.safe_dump(custom_resource_definition(), sort_keys=False, width=110, allow_unicode=True)
    return write_or_check(FILE, text, "the model")


if __name__ == "__main__":
    sys.exit(main())
