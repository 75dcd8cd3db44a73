"""`raw_socket.py HOST PORT REQUEST CONNECTIONS [fresh]`: send one prepared request again and again over bare sockets.

What this reaches is the limit of a client in Python: nothing is composed, measured or looked at but the end of each
answer. With `fresh` each request has a connection of its own, as uploads of large batches have.
"""

import socket
import sys
import threading
from pathlib import Path


def send(address: tuple[str, int], request: bytes, *, fresh: bool) -> None:
    connection = _connect(address)
    while True:
        connection.sendall(request)
        answer = b""
        while b"}" not in answer:
            piece = connection.recv(4096)
            if not piece:
                raise ConnectionError("the target closed the connection")
            answer += piece
        if fresh:
            connection.close()
            connection = _connect(address)


def _connect(address: tuple[str, int]) -> socket.socket:
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def main() -> None:
    host, port, request, connections, *rest = sys.argv[1:]
    content, options = Path(request).read_bytes(), {"fresh": "fresh" in rest}
    threads = [
        threading.Thread(target=send, args=((host, int(port)), content), kwargs=options)
        for _ in range(int(connections))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
