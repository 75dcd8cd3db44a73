"""gunicorn's settings, read with `gunicorn -c gunicorn.conf.py config.wsgi`."""

import os

from django.core.management import call_command
from django.db import connections

bind = os.environ.get("BIND", "127.0.0.1:8000")
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
