"""What a mesh between the pods and the target does to what can be claimed."""

from typing import Final

from loadtest_model.plan import Plan

NOTICE: Final = (
    "spec.pod.mesh is Enabled: a proxy may send an upload more than once, and to another endpoint than the pod named;"
    " only the answer that it passes on is checked; so the target may have got more than is counted as sent, each"
    " endpoint counts as verified only as far as the proxy keeps to the address, and times include the proxy's"
)
REPEATED: Final = "and each of these as often again as the mesh's proxy repeats it (Istio's by default twice)"


def notice_of(plan: Plan) -> str:
    """What is to be said of the numbers of a run through a mesh; empty for one without."""
    return NOTICE if plan.mesh else ""
