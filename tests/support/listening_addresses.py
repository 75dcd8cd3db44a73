"""`listening_addresses.py PORT PATH on|off COMMAND...`: start a server in this network namespace, print its addresses.

The namespace has nothing but the loopback, which is brought up here; `off` switches IPv6 off first. The exit status
is 77 where that cannot be done.
"""

import fcntl
import http.client
import json
import os
import socket
import struct
import subprocess
import sys
import time

_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_NOT_POSSIBLE = 77
_PATIENCE_SECONDS = 60.0


def main(port: int, path: str, ipv6: str, command: list[str]) -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))
    if ipv6 == "off":
        _switch_ipv6_off()
    server = subprocess.Popen(command)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _listening_addresses(port, path) and time.monotonic() < deadline and server.poll() is None:
        time.sleep(0.05)
    print(json.dumps(_listening_addresses(port, path)))
    server.terminate()
    server.wait()


def _listening_addresses(port: int, path: str) -> list[str]:
    return [address for address in ("127.0.0.1", "127.0.0.2", "::1") if _answers(address, port, path)]


def _switch_ipv6_off() -> None:
    try:
        for interface in os.listdir("/proc/sys/net/ipv6/conf"):
            with open(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6", "w", encoding="ascii") as switch:
                switch.write("1")
    except OSError as error:
        print(f"IPv6 cannot be switched off here: {error}", file=sys.stderr)
        sys.exit(_NOT_POSSIBLE)


def _answers(address: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
