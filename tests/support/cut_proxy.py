"""A TCP proxy whose connections a test cuts, as an outage of what is behind it would."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_HOST = "127.0.0.1"


class CutProxy:
    """Forwards connections to one address while it is open. Closed, it cuts them all and refuses new ones."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server((_HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._serve()

    def cut(self) -> None:
        with suppress(OSError):
            # A socket that a thread accepts from listens on until that thread wakes.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._connections.clear()

    def mend(self) -> None:
        self._listener = socket.create_server((_HOST, self.port))
        self._serve()

    def _serve(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self._address)
            except OSError:
                return
            self._connections += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(65_536):
            sink.sendall(content)
    for connection in (source, sink):
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut_proxy(address: tuple[str, int]) -> Iterator[CutProxy]:
    proxy = CutProxy(address)
    try:
        yield proxy
    finally:
        proxy.cut()
