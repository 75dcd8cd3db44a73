"""A promise that the target broke while the load ran: it ends the load at once."""

from loadtest_model.measurement.snapshot import Violation


class BrokenPromiseError(Exception):
    """Ends the load at once: everything beside whatever saw the violation is cancelled."""

    def __init__(self, violation: Violation) -> None:
        super().__init__(violation.message)
        self.violation = violation


def first_violation(group: BaseExceptionGroup[BrokenPromiseError]) -> Violation:
    """The violation of the first error in a group, however deep it lies."""
    first = group.exceptions[0]
    return first_violation(first) if isinstance(first, BaseExceptionGroup) else first.violation
