"""An operator that may no longer act sends nothing more, neither to the API server nor to a pod."""

import time

import pytest
from kubernetes.aio.client import Configuration

from loadtest_model.protocol.commands import Verb
from loadtest_operator.cluster.api import PODS, Api
from loadtest_operator.cluster.pods import Command, PodClient

UNREACHABLE = "127.0.0.1"


class OverError(Exception):
    """What ends the process in earnest."""


def fence() -> None:
    raise OverError


async def test_no_request_is_sent_to_the_api_server() -> None:
    async with Api(Configuration(host=f"http://{UNREACHABLE}:9"), fence) as api:
        with pytest.raises(OverError):
            await api.get(PODS, "shop", "a")


async def test_no_command_is_sent_to_a_pod() -> None:
    async with PodClient(b"key", time.monotonic, fence) as pods:
        with pytest.raises(ExceptionGroup) as raised:
            await pods.send_commands("uid", "1", [Command(UNREACHABLE, Verb.VERIFY, lambda: None)])

    assert raised.group_contains(OverError)
