"""The sentences of the page that do not come from the run: what a verdict, a proof and a number mean."""

from typing import Final

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.snapshot import ProofLevel
from loadtest_model.reason_groups import ReasonClass

NEVER_LOADED: Final = {
    ReasonClass.REFUSED: "Nothing was loaded, because the verification did not prove the target.",
    ReasonClass.MISCONFIGURED: "Nothing was loaded, because the test names or asks for something that cannot be.",
    ReasonClass.NOT_PERMITTED: "Nothing was loaded, because it is not permitted.",
    ReasonClass.PREVENTED: "Nothing was loaded, because something kept the load from starting.",
}
"""Why a run has no load, for each class of its reason."""

ONLY_VERIFIED: Final = "The target was proven, and no load was asked for."

LOADED: Final = {
    Verdict.PASSED: "The load ran to its end, and nothing that was judged failed.",
    Verdict.FAILED: "The run failed for the reasons below, the gravest first.",
    Verdict.INCONCLUSIVE: "The measurements do not settle whether the target carries this load.",
}

PROOF_SHOWS: Final = {
    ProofLevel.NONE: "The target did not prove that it honours the header.",
    ProofLevel.ACKNOWLEDGED: "Each accepted answer says that the header is honoured, and counts the rows right.",
    ProofLevel.ECHOED: (
        "Each accepted answer says that the header is honoured, counts the rows right and returns the nonce of its own"
        " request."
    ),
    ProofLevel.PROVEN: "A read-back of the target's storage found no row of this test.",
}
"""What each level of proof shows, in short; docs/semantics.md has it in full."""

PROOF_LIMITS: Final = {
    ProofLevel.NONE: "",
    ProofLevel.ACKNOWLEDGED: (
        "It does not show what the target's database did, nor that an answer belongs to its own upload."
    ),
    ProofLevel.ECHOED: "It does not show what the target's database did.",
    ProofLevel.PROVEN: "It does not show rows in a place that is not read, or rows that are stored later.",
}
"""What each level does not show."""

PROMISE_BROKEN: Final = "The verification reached this level. Under load the target broke its promise."
"""What stands in place of what a level shows, if there was a violation."""

METHOD: Final = (
    (
        "Response time",
        "From the intended start of an upload to the end of its answer. Accepted uploads and those without a complete"
        " answer count; a time-out counts as at least the time-out. Rejected uploads do not, so fast errors improve"
        " nothing. An upload that the test cut counts at its age.",
    ),
    (
        "Percentiles",
        "Nearest rank, from sketches of all pods merged into one, with a relative error of at most {error}. Number,"
        " average and maximum are exact. Where there are too few uploads for a percentile, the maximum stands in.",
    ),
    (
        "Percentiles of the course",
        "The p95 of each piece comes from coarser counts, with a relative error of at most {coarse_error}. If it cannot"
        " be told from the average, the average stands for it, with an error of at most {coarse_width}. It is never"
        " above the greatest time of its step.",
    ),
    (
        "Error rate",
        "Rejected, unknown, violating and dropped uploads over those due, without those that the test itself cut.",
    ),
    (
        "Records per second",
        "Rows that the target confirmed, over the seconds of load after the warm-up.",
    ),
    (
        "Intervals",
        "A generator that is short of CPU lengthens times and offers less load. What it may have added is measured for"
        " each upload, and gives the interval in which the true value lies. A threshold that holds at one end only is"
        " in doubt, and makes the run Inconclusive.",
    ),
)
"""How the numbers are made: a name and its explanation."""
