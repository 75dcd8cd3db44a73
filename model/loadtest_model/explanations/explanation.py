"""What people are told of a cause."""

from dataclasses import dataclass
from typing import Final

OR_LOWER_USERS: Final = "Or lower spec.load.virtualUsers."


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cause in a few words, in a sentence or two, and what to do about it, naming the setting or the field.

    Some advice fits only certain runs: those in which every upload failed, those in which some were accepted, and those
    with more than one virtual user.
    """

    title: str
    meaning: str
    advice: str
    advice_if_all_failed: str = ""
    advice_if_some_accepted: str = ""
    advice_for_several_users: str = ""

    @property
    def next_step(self) -> str:
        """What to do about the cause in any run."""
        return " ".join(
            filter(
                None,
                (self.advice, self.advice_if_all_failed, self.advice_if_some_accepted, self.advice_for_several_users),
            )
        )

    def next_step_in_run(self, *, has_accepted: bool, has_several_users: bool) -> str:
        """What to do about the cause in a run of which this is known."""
        outcome_advice = self.advice_if_some_accepted if has_accepted else self.advice_if_all_failed
        users_advice = self.advice_for_several_users if has_several_users else ""
        return " ".join(filter(None, (self.advice, outcome_advice, users_advice)))
