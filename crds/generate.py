"""Writes crds/loadtests.yaml from the model; with --check says whether it is up to date."""

import sys
from pathlib import Path

import yaml

from loadtest_model.crd import custom_resource_definition

FILE = Path(__file__).with_name("loadtests.yaml")
HEADER = "# Made from loadgen/loadtest_model by `make generate`; change it there.\n"


def main() -> int:
    text = HEADER + yaml.safe_dump(custom_resource_definition(), sort_keys=False, width=110, allow_unicode=True)
    if "--check" in sys.argv[1:]:
        if FILE.exists() and FILE.read_text() == text:
            return 0
        sys.stderr.write(f"{FILE.name} differs from the model; run `make generate` and commit the result\n")
        return 1
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
