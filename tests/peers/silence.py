"""What keeps the peers from reporting to their makers."""

from types import MappingProxyType
from typing import Final

# Artillery asks its makers' collector even with telemetry off; its client for that is left out of the installation.
SILENT: Final = MappingProxyType({"ARTILLERY_DISABLE_TELEMETRY": "true", "K6_NO_USAGE_REPORT": "true"})
"""Environment variables to start a peer with."""
