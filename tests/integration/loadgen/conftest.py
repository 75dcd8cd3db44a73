"""The generator runs on uvloop where it exists, and else on the event loop of the standard library."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

import pytest
import uvloop

from loadgen.http import first_seconds
from support.cpu_group import CpuGroup, NoCpuGroupError, cpu_group


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Both loops for the transport, which is where they differ; uvloop for the rest."""
    if item.path.name in ("test_transport.py", "test_tls.py"):
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
def patience_seconds(monkeypatch: pytest.MonkeyPatch) -> float:
    """How long this process tries again what fails before anything was sent: not ten seconds, which nothing hangs on
    where a test is about how it fails. `loadgen verify` is tested with all of them.
    """
    monkeypatch.setattr(first_seconds, "PATIENCE_SECONDS", 2.0)
    return first_seconds.PATIENCE_SECONDS


@pytest.fixture
def group() -> Iterator[CpuGroup]:
    """A control group whose CPU a test may limit; without the right to make one the test is skipped."""
    try:
        with cpu_group() as new_group:
            yield new_group
    except NoCpuGroupError as reason:
        pytest.skip(str(reason))
