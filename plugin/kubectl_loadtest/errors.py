"""How a command fails."""

from loadtest_model.protocol.exits import ExitStatus

COMMAND_FAILED = 1
"""The exit status of a command that shows or changes something and could not, as kubectl has it."""


class CommandError(Exception):
    """A command cannot go on. `message` is in kubectl's manner, `hint` says what to do, `status` is the exit status."""

    def __init__(self, message: str, hint: str = "", status: int = COMMAND_FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


class WrongUsageError(CommandError):
    """Options or arguments that cannot be meant."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint, ExitStatus.USAGE)
