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
from localcluster.realnode.images import image_archives
from localcluster.supervisor_process import ClusterError

VARIABLE = "CLUSTER"


class ClusterKind(StrEnum):
    """The value of CLUSTER."""

    LOCAL = "local"
    """A real control plane, and a node that runs pods as processes of this machine."""
    NODE = "node"
    """A whole Kubernetes whose node runs real containers; needs Linux and root."""
    CURRENT = "current"
    """The cluster that kubectl is set to, in which the project's images are at hand."""


def cluster_kind() -> ClusterKind:
    """Return what CLUSTER says, local where it says nothing; raise ClusterError for anything else."""
    value = os.environ.get(VARIABLE) or ClusterKind.LOCAL
    try:
        return ClusterKind(value)
    except ValueError:
        kinds = ", ".join(ClusterKind)
        raise ClusterError(f"{VARIABLE}={value} is no cluster that is known here; take one of {kinds}") from None


def image_archives_for(kind: ClusterKind, report: Callable[[str], None]) -> list[Path]:
    """Return archives of the images that a cluster must be given; raise ClusterError if they cannot be made."""
    if kind is not ClusterKind.NODE:
        return []
    try:
        return image_archives(report)
    except ImageError as error:
        raise ClusterError(str(error)) from error


@contextmanager
def cluster_of(kind: ClusterKind, report: Callable[[str], None]) -> Iterator[Cluster]:
    """Have a cluster for as long as the context lasts; raise ClusterError if it cannot be had."""
    match kind:
        case ClusterKind.LOCAL:
            with local_cluster(report=report) as local:
                yield local
        case ClusterKind.NODE:
            with real_cluster(image_archives_for(kind, report), report) as real:
                yield real
        case ClusterKind.CURRENT:
            yield CurrentCluster.from_environment()
