"""Which cluster the demo and the end-to-end tests run on: the environment variable CLUSTER says."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from localcluster.cluster import Cluster, local_cluster
from localcluster.current import CurrentCluster
from localcluster.images import ImageError
from localcluster.realnode.cluster import real_cluster
from localcluster.realnode.images import archives
from localcluster.supervised import ClusterError

VARIABLE = "CLUSTER"


class Kind(StrEnum):
    """The value of CLUSTER."""

    LOCAL = "local"
    """A real control plane, and a node that runs pods as processes of this machine."""
    NODE = "node"
    """A whole Kubernetes whose node runs real containers; needs Linux and root."""
    CURRENT = "current"
    """The cluster that kubectl is set to, in which the project's images are at hand."""


def chosen() -> Kind:
    """Return what CLUSTER says, local where it says nothing; raise ClusterError for anything else."""
    value = os.environ.get(VARIABLE) or Kind.LOCAL
    try:
        return Kind(value)
    except ValueError:
        known = ", ".join(Kind)
        raise ClusterError(f"{VARIABLE}={value} is no cluster that is known here; take one of {known}") from None


def images_of(kind: Kind, report: Callable[[str], None]) -> list[Path]:
    """Return archives of the images that a cluster must be given; raise ClusterError where they cannot be made."""
    if kind is not Kind.NODE:
        return []
    try:
        return archives(report)
    except ImageError as error:
        raise ClusterError(str(error)) from error


@contextmanager
def cluster_of(kind: Kind, report: Callable[[str], None]) -> Iterator[Cluster]:
    """Have a cluster for as long as the context lasts; raise ClusterError where it cannot be had."""
    match kind:
        case Kind.LOCAL:
            with local_cluster(report=report) as local:
                yield local
        case Kind.NODE:
            with real_cluster(images_of(kind, report), report) as real:
                yield real
        case Kind.CURRENT:
            yield CurrentCluster.from_environment()
