"""kubectl, except that `port-forward`, which a node of processes does not have, is a relay to the pod's address.

Called with the real kubectl and what it was asked. It says what kubectl says, and ends when the pod's port is closed.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time


def main() -> None:
    program, *arguments = sys.argv[1:]
    if arguments[0] != "port-forward":
        os.execv(program, [program, *arguments])
    target, ports, *flags = arguments[1:]
    flags = [flag for flag in flags if not flag.startswith("--address=")]
    command = [program, "get", "pods", "--selector=app.kubernetes.io/name=loadtest-operator", "--output=json", *flags]
    pods = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["items"]
    kind, _, name = target.partition("/")
    fitting = [pod for pod in pods if kind != "pod" or pod["metadata"]["name"] == name]
    addresses = [pod["status"]["podIP"] for pod in fitting if "podIP" in pod["status"]]
    local_port, _, pod_port = ports.partition(":")
    pod = (addresses[0], int(pod_port)) if addresses else None
    if pod is None or not is_open(pod):
        sys.exit("error: unable to forward port because pod is not running")
    with socket.create_server(("127.0.0.1", int(local_port or 0)), reuse_port=False) as server:
        print(f"Forwarding from 127.0.0.1:{server.getsockname()[1]} -> {pod_port}", flush=True)
        threading.Thread(target=accept, args=(server, pod), daemon=True).start()
        while is_open(pod):
            time.sleep(0.2)
    sys.exit("error: lost connection to pod")


def is_open(address: tuple[str, int]) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(address) == 0


def accept(server: socket.socket, pod: tuple[str, int]) -> None:
    while True:
        client, _ = server.accept()
        try:
            upstream = socket.create_connection(pod)
        except OSError:
            client.close()
            continue
        for source, sink in ((client, upstream), (upstream, client)):
            threading.Thread(target=copy, args=(source, sink), daemon=True).start()


def copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while content := source.recv(65_536):
            sink.sendall(content)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue


if __name__ == "__main__":
    main()
