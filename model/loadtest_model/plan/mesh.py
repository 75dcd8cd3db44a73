"""What a mesh between the pods and the target does to what can be claimed."""

from typing import Final

from loadtest_model.plan import Plan

_MEANING: Final = (
    "a proxy may send an upload more than once, and to another endpoint than the pod named; only the answer that it"
    " passes on is checked; so the target may have got more than is counted as sent, each endpoint counts as verified"
    " only as far as the proxy keeps to the address, and times include the proxy's"
)
NOTICE: Final = f"spec.pod.mesh is Enabled: {_MEANING}"
REPEATED_UPLOADS: Final = "and each of these as often again as the mesh's proxy repeats it (Istio's by default twice)"
_MOST_CONTAINERS_SHOWN: Final = 5


def mesh_notice(plan: Plan, sidecars: tuple[str, ...] = ()) -> str:
    """The notice about the numbers of a run through a mesh. It is empty for a run without a mesh.

    `sidecars` are the names of containers that ran beside the generator, whoever put them there.
    """
    if plan.mesh:
        return NOTICE
    if not sidecars:
        return ""
    names = ", ".join(name[:63] for name in sidecars[:_MOST_CONTAINERS_SHOWN])
    return f"spec.pod.mesh is Disabled, yet beside the generator ran {names}; if that is a proxy: {_MEANING}"
