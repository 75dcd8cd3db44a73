"""When looking a thing up among those known is not worth it, because nearly all of them are new."""

from typing import Final

_MOST_MISSES: Final = 32
_PAUSE_ANSWERS: Final = 1_000
"""A target whose answers all differ gains nothing: after so many misses in a row, so many are not looked up."""


class MissPause:
    """Counts misses in a row, and then leaves answers out for a while.

    `paused_answers` is how many answers are still not to be looked up; each of them takes one off. Whoever finds an
    answer known sets `misses` to 0. Both are plain attributes, because this is done for each upload.
    """

    __slots__ = ("misses", "paused_answers")

    def __init__(self) -> None:
        self.misses = 0
        self.paused_answers = 0

    def note_miss(self) -> None:
        """An answer was new."""
        self.misses += 1
        if self.misses > _MOST_MISSES:
            self.misses, self.paused_answers = 0, _PAUSE_ANSWERS
