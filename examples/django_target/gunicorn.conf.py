"""gunicorn's settings, read with `gunicorn -c gunicorn.conf.py config.wsgi`."""

import os
import socket

from django.core.management import call_command
from django.db import connections


def addresses(text: str) -> list[str]:
    """What gunicorn binds to: an address as it is, and for `*:port` every address of the families that there are."""
    host, _, port = text.rpartition(":")
    if host != "*":
        return [text]
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
            ipv6_alone = probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    except OSError:
        return [f"0.0.0.0:{port}"]
    return [f"0.0.0.0:{port}", f"[::]:{port}"] if ipv6_alone else [f"[::]:{port}"]


bind = addresses(os.environ.get("BIND", "127.0.0.1:8000"))
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "sync"
timeout = 120
graceful_timeout = 20
accesslog = None

# Django is imported once and then forked, so that a second worker costs neither start time nor memory.
preload_app = True

# Its socket lies in the home directory, which is read-only in a hardened container.
control_socket_disable = True


def on_starting(server: object) -> None:
    """Migrate the database before the first worker starts, unless MIGRATE_ON_START is false."""
    if os.environ.get("MIGRATE_ON_START", "true").lower() == "false":
        return
    call_command("migrate", interactive=False, verbosity=0)
    # A connection must not be shared by the workers that are forked next.
    connections.close_all()
