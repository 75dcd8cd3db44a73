"""A pod of the fleet: its commands, its answers and its end."""

from loadgen import http as _http  # noqa: F401 - it imports aiohttp as it has to be imported first
