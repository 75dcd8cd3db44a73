"""Sidecars: what keeps them out of the pods, and what a mesh must leave alone where it is let in."""

import json
from dataclasses import dataclass, field
from typing import Final

from loadtest_model.protocol.commands import CONTROL_PORT
from loadtest_model.spec.pod import Mesh

_PORT: Final = str(CONTROL_PORT)


@dataclass(frozen=True)
class PodMetadata:
    """Labels and annotations of a pod."""

    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)

    def __or__(self, other: "PodMetadata") -> "PodMetadata":
        return PodMetadata({**self.labels, **other.labels}, {**self.annotations, **other.annotations})


MESH_OFF: Final = PodMetadata(
    # Istio reads the label and, in older releases, the annotation alone; so does Kuma.
    labels={
        "sidecar.istio.io/inject": "false",
        "istio.io/dataplane-mode": "none",
        "kuma.io/sidecar-injection": "disabled",
    },
    annotations={
        "sidecar.istio.io/inject": "false",
        "linkerd.io/inject": "disabled",
        "kuma.io/sidecar-injection": "disabled",
        "consul.hashicorp.com/connect-inject": "false",
    },
)
"""The switches of meshes, all off."""

OTHERS_OFF: Final = PodMetadata(
    labels={"admission.datadoghq.com/enabled": "false"},
    annotations={
        "dapr.io/enabled": "false",
        "vault.hashicorp.com/agent-inject": "false",
        "sidecar.opentelemetry.io/inject": "false",
        "sidecar.jaegertracing.io/inject": "false",
        # Instrumentation would be loaded into the generator itself, and measured with the target.
        "instrumentation.opentelemetry.io/inject-python": "false",
    },
)
"""The switches of other injectors, all off: nothing but a mesh has a reason to be in a pod that only sends."""

MESH_CONTROL: Final = PodMetadata(
    annotations={
        # The operator is outside of the mesh, and a halt must reach a pod whatever its proxy does.
        "traffic.sidecar.istio.io/excludeInboundPorts": _PORT,
        "traffic.sidecar.istio.io/excludeOutboundPorts": _PORT,
        "config.linkerd.io/skip-inbound-ports": _PORT,
        "config.linkerd.io/skip-outbound-ports": _PORT,
        "traffic.kuma.io/exclude-inbound-ports": _PORT,
        "traffic.kuma.io/exclude-outbound-ports": _PORT,
        "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports": _PORT,
        "consul.hashicorp.com/transparent-proxy-exclude-outbound-ports": _PORT,
        # A verification that begins before the proxy is ready would refuse a sound target.
        "proxy.istio.io/config": json.dumps({"holdApplicationUntilProxyStarts": True}),
        "config.linkerd.io/proxy-await": "enabled",
        "kuma.io/wait-for-dataplane-ready": "true",
        # A native sidecar ends with the generator; another one lives on until the Job is removed.
        "sidecar.istio.io/nativeSidecar": "true",
        "config.beta.linkerd.io/proxy-enable-native-sidecar": "true",
    },
)
"""What a mesh is told where it is let in: to leave the control port alone, to be ready first, and to end last."""

MESH_SWITCHES: Final = frozenset({*MESH_OFF.labels, *MESH_OFF.annotations})


def injection_metadata(mesh: Mesh) -> PodMetadata:
    """What the pods say to injectors. Whether a mesh that is let in comes is the namespace's to say, or the spec's."""
    return OTHERS_OFF | (MESH_CONTROL if mesh == Mesh.ENABLED else MESH_OFF)
