"""`raw_socket.py HOST PORT REQUEST CONNECTIONS`: send one prepared request again and again over bare sockets.

What this reaches is the limit: nothing is composed, measured or looked at but the end of each answer.
"""

import socket
import sys
import threading
from pathlib import Path


def send(address: tuple[str, int], request: bytes) -> None:
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            connection.sendall(request)
            answer = b""
            while b"}" not in answer:
                piece = connection.recv(4096)
                if not piece:
                    raise ConnectionError("the target closed the connection")
                answer += piece


def main() -> None:
    host, port, request, connections = sys.argv[1:]
    threads = [
        threading.Thread(target=send, args=((host, int(port)), Path(request).read_bytes()))
        for _ in range(int(connections))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
