"""What is wrong with a spec that the schema lets pass."""

from loadtest_model.reasons import Reason


class PlanError(ValueError):
    """A spec that the schema lets pass but that cannot be run; the message names field, value and remedy."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
