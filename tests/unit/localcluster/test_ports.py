"""A port or an address that was handed out is nobody else's."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from localcluster import ports
from localcluster.claims import NumbersTakenError
from localcluster.ports import free_port
from support.loopback import free_address

REPOSITORY = Path(__file__).resolve().parents[3]


def test_no_port_is_handed_out_twice_although_nobody_listens_on_it_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_port()
    monkeypatch.setattr(ports, "_PORTS", range(first, first + 1))

    with pytest.raises(NumbersTakenError):
        free_port()
    script = f"from localcluster import ports; ports._PORTS = range({first}, {first} + 1); ports.free_port()"
    other = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "NumbersTakenError" in other.stderr


def test_a_port_on_which_somebody_listens_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = listener.getsockname()[1]
        monkeypatch.setattr(ports, "_PORTS", [taken])

        with pytest.raises(NumbersTakenError):
            free_port()


def test_two_processes_have_no_address_in_common() -> None:
    # Before the other's, whose network is free again when it has ended.
    own_addresses = [free_address(), free_address()]
    script = "from support.loopback import free_address; print(free_address(), free_address())"
    other = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env={"PYTHONPATH": f"{REPOSITORY}:{REPOSITORY / 'tests'}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    addresses = [*other.stdout.split(), *own_addresses]

    assert len({address.split(".")[1] for address in addresses}) == 2
    assert len(set(addresses)) == 4
