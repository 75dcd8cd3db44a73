"""Measurements that are committed, from which the pages of the docs are generated."""

import json
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(__file__).parents[1]


def write_measurement(name: str, measurement: dict[str, Any]) -> None:
    """Make this measurement the one that the docs show; `make generate` then renders it."""
    text = json.dumps(_rounded(measurement), indent=1)
    _FOLDER.joinpath(f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _rounded(value: Any) -> Any:
    """The same with four significant digits, which is more than a measurement has."""
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {key: _rounded(each) for key, each in value.items()}
        case list():
            return [_rounded(each) for each in value]
        case _:
            return value
