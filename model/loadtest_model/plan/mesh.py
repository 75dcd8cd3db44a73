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
_LISTED: Final = 5


def mesh_notice(plan: Plan, beside: tuple[str, ...] = ()) -> str:
    """What is to be said of the numbers of a run through a mesh; empty for one without.

    `beside` are containers that stood beside the generator, whoever put them there.
    """
    if plan.mesh:
        return NOTICE
    if not beside:
        return ""
    names = ", ".join(name[:63] for name in beside[:_LISTED])
    return f"spec.pod.mesh is Disabled, yet beside the generator ran {names}; if that is a proxy: {_MEANING}"
