"""Tools that others use, as they are published: k6, Artillery and Locust, Prometheus, and axe-core.

Each is provided once per user and kept in the cache beside the control plane's programs, under a fingerprint of
the files that pin it. `python -m peers k6|artillery|locust|prometheus|axe|all` provides them beforehand.
"""

from peers.build_k6 import k6
from peers.install_artillery import artillery
from peers.install_axe import axe_core
from peers.install_locust import locust_python
from peers.provided import PeerMissingError
from peers.silence import SILENT
from peers.unpack_prometheus import prometheus_programs

__all__ = ["SILENT", "PeerMissingError", "artillery", "axe_core", "k6", "locust_python", "prometheus_programs"]
