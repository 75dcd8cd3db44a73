"""The section on the proof: how much the target has shown of its promise to store nothing, and what it has not."""

from collections.abc import Iterator
from typing import Final

from loadtest_model.measurement.snapshot import ProofLevel
from loadtest_model.pages.elements import Element, element, sentence
from loadtest_model.pages.icons import Tone, icon, stated
from loadtest_model.pages.sections import section
from loadtest_model.pages.texts import PROMISE_BROKEN, PROOF_LIMITS, PROOF_SHOWS
from loadtest_model.quantities import count_text
from loadtest_model.report.summary import Proof

_LADDER: Final = (ProofLevel.ACKNOWLEDGED, ProofLevel.ECHOED, ProofLevel.PROVEN)


def proof_section(proof: Proof, violations: int = 0) -> Element:
    """The level that was reached, what it shows and what not, and what weakens it.

    `violations` are the answers under load that broke the promise.
    """
    is_broken = violations > 0
    limits = "" if is_broken else PROOF_LIMITS[proof.level]
    return section(
        "proof",
        "Proof",
        _ladder(proof.level),
        element("p", stated(Tone.BAD, "Broken under load")) if is_broken else None,
        element("p", PROMISE_BROKEN if is_broken else PROOF_SHOWS[proof.level]),
        element("p", limits, class_="limits") if limits else None,
        element("ul", [element("li", text) for text in _remarks(proof, violations)], class_="remarks"),
    )


def _ladder(level: ProofLevel) -> Element:
    """All levels from the weakest to the strongest, with the one that was reached."""
    reached = _LADDER.index(level) if level in _LADDER else -1
    steps = [
        element(
            "li",
            icon(Tone.GOOD if number <= reached else Tone.QUIET, 14),
            str(each),
            element("span", " (reached)" if number == reached else "", class_="hidden"),
            class_="reached" if number == reached else "below" if number < reached else "beyond",
            aria_current="true" if number == reached else None,
        )
        for number, each in enumerate(_LADDER)
    ]
    return element("ol", steps, class_="ladder", aria_label="Levels of proof, the weakest first")


def _remarks(proof: Proof, violations: int) -> Iterator[str]:
    if violations:
        answers = "1 answer" if violations == 1 else f"{violations:,} answers"
        yield f"{answers} under load did not confirm the header. The reasons of the verdict say more."
    if proof.notice:
        yield sentence(proof.notice)
    if proof.read_back:
        yield sentence(proof.read_back)
    if proof.unechoed:
        answers = count_text(proof.unechoed, "accepted answer")
        yield f"{answers} did not return the nonce, as the verification's did."
    if proof.unverified:
        yield f"Not used, because they failed their verification: {', '.join(proof.unverified)}."
    if proof.vanished:
        yield f"Vanished while the load ran: {', '.join(proof.vanished)}."
    if proof.uploads:
        yield (
            f"The verification sent {count_text(proof.uploads, 'upload')} with {count_text(proof.rows, 'row')} before"
            " the load."
        )
