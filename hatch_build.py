"""The build hook that makes the pools of names and streets, so that no pod has to run Faker."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CustomBuildHook(BuildHookInterface[Any]):
    """Writes loadgen/loadgen/records/pools.json before anything is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # Run by its path: importing the package would need its run-time dependencies in the build environment.
        script = Path(self.root, "loadgen", "loadgen", "records", "make_pools.py")
        runpy.run_path(str(script))["write_pools"]()
