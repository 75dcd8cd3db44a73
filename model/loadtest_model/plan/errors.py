"""What is wrong with a spec that can be read."""

from loadtest_model.reasons import Reason


class PlanError(ValueError):
    """A spec that breaks a rule or cannot be run; the message names field, value and remedy."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
