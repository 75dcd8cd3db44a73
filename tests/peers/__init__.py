"""Tools that others use, as they are published: k6, vegeta, wrk, Artillery, Locust, Prometheus, axe-core, versions of
Django, types of what monitors.

Each is provided once per user and kept in the cache beside the control plane's programs, under a fingerprint of
the files that pin it. `python -m peers NAME|all` provides them beforehand.
"""

from peers.build_k6 import k6
from peers.build_vegeta import vegeta
from peers.django_versions import DJANGO_VERSIONS, DjangoPeer, django_peer
from peers.install_artillery import artillery
from peers.install_axe import axe_core
from peers.install_locust import locust_python
from peers.monitoring_types import decoding_error, monitoring_definitions, monitoring_types
from peers.provided import PeerMissingError
from peers.silence import SILENT
from peers.unpack_prometheus import prometheus_programs
from peers.unpack_wrk import wrk

__all__ = [
    "DJANGO_VERSIONS",
    "SILENT",
    "DjangoPeer",
    "PeerMissingError",
    "artillery",
    "axe_core",
    "decoding_error",
    "django_peer",
    "k6",
    "locust_python",
    "monitoring_definitions",
    "monitoring_types",
    "prometheus_programs",
    "vegeta",
    "wrk",
]
